# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Compute the observations of arm tasks, with the fields of the Fetch tasks."""

from her_ros.sim.arm.scene import ArmScene
from her_ros.sim.observations import Floats
from her_ros.tasks.observed import euler_angles, Observed
import numpy as np


def observe(scene: ArmScene, qpos: Floats, qvel: Floats) -> Observed:
    """
    Return observations and achieved goals.

    Velocities are per control period, and fingers that are held closed are observed as closed, as
    on the Fetch. Position and velocity of the tool are computed from joints alone, so
    MuJoCo need not update the positions of bodies after its last step.

    :param qpos: shape (n, nq)
    :param qvel: shape (n, nv)
    """
    period_s = scene.control_period_s
    tool = scene.kinematics.chain.tool_state(qpos[:, scene.joints])
    grip = tool.position + scene.base_m
    velocity = (tool.jacobian[:, :3] @ qvel[:, scene.joints, None])[..., 0] * period_s
    fingers = finger_velocity = np.zeros((len(qpos), 2))
    if not scene.scene_spec.fingers_closed:
        fingers, finger_velocity = qpos[:, scene.fingers], qvel[:, scene.fingers] * period_s
    if scene.object is None:
        parts = [grip, fingers, velocity, finger_velocity]
        return Observed(np.concatenate(parts, axis=1), grip)
    place, dof = scene.object_qpos, scene.object_dof
    turn, place_end = place + 3, place + 7
    moved = qpos[:, place:turn].copy()
    rotation = rotation_matrices(qpos[:, turn:place_end])
    spin_dof, dof_end = dof + 3, dof + 6
    moved_velocity = qvel[:, dof:spin_dof] * period_s
    # MuJoCo has the angular velocity of a free joint in the axes of its body.
    spin = (rotation @ qvel[:, spin_dof:dof_end, None])[..., 0] * period_s
    parts = [grip, moved, moved - grip, fingers, euler_angles(rotation)]
    parts += [moved_velocity - velocity, spin, velocity, finger_velocity]
    return Observed(np.concatenate(parts, axis=1), moved)


def rotation_matrices(quaternions: Floats) -> Floats:
    """Return the rotation matrices, shape (n, 3, 3), of unit quaternions wxyz, shape (n, 4)."""
    w, x, y, z = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    # In this order in memory, or products would round differently in batches of other sizes.
    return np.ascontiguousarray(np.moveaxis(np.array(rows), -1, 0))
