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

from her_ros.sim.arm.observations import observe, rotation_matrices
from her_ros.sim.arm.scene import load_scene
from her_ros.tasks.observed import euler_angles
import mujoco
import numpy as np
import pytest

PERIOD_S = 0.04


def fields_of(task, observation):
    ends = np.cumsum([size for _, size in task.observation_fields])[:-1]
    names = [name for name, _ in task.observation_fields]
    return dict(zip(names, np.split(observation, ends), strict=True))


@pytest.mark.parametrize('name', ['Reach', 'Push', 'PickAndPlace'])
def test_fields_are_what_mujoco_computes(on_small_arm, name):
    task, random = on_small_arm(name), np.random.default_rng(1)
    scene = load_scene(task)
    model, data = scene.mujoco_model, mujoco.MjData(scene.mujoco_model)
    data.qpos[:] = scene.start_qpos + random.uniform(-0.02, 0.02, model.nq)
    data.qvel[:] = random.uniform(-1, 1, model.nv)
    mujoco.mj_normalizeQuat(model, data.qpos)
    mujoco.mj_forward(model, data)
    observed = observe(scene, data.qpos[None], data.qvel[None])
    seen = fields_of(task, observed.observation[0])

    def motion_of(body):
        velocity = np.zeros(6)
        frame = mujoco.mjtObj.mjOBJ_XBODY
        mujoco.mj_objectVelocity(model, data, frame, model.body(body).id, velocity, 0)
        return velocity[3:] * PERIOD_S, velocity[:3] * PERIOD_S

    grip, (velocity, _) = data.body('tool').xpos, motion_of('tool')
    wanted = {
        'gripper_position': grip,
        'finger_positions': data.qpos[scene.fingers] if name == 'PickAndPlace' else [0, 0],
        'gripper_velocity': velocity,
        'finger_velocities': data.qvel[scene.fingers] * PERIOD_S
        if name == 'PickAndPlace'
        else [0, 0],
    }
    if name != 'Reach':
        block, (moved, spin) = data.body('object'), motion_of('object')
        wanted |= {
            'object_position': block.xpos,
            'object_position_from_gripper': block.xpos - grip,
            'object_rotation': euler_angles(block.xmat.reshape(1, 3, 3))[0],
            'object_velocity_from_gripper': moved - velocity,
            'object_angular_velocity': spin,
        }
    assert seen.keys() == wanted.keys()
    for field, values in wanted.items():
        np.testing.assert_allclose(seen[field], values, atol=1e-9, err_msg=field)
    np.testing.assert_array_equal(
        observed.achieved_goal[0],
        seen['gripper_position' if name == 'Reach' else 'object_position'],
    )


def test_the_first_finger_is_at_plus_y_as_on_the_fetch(on_small_arm):
    scene = load_scene(on_small_arm('PickAndPlace'))
    data = mujoco.MjData(scene.mujoco_model)
    data.qpos[:] = scene.start_qpos
    data.qpos[scene.fingers] = [0.03, 0.01]
    mujoco.mj_kinematics(scene.mujoco_model, data)
    ys = [data.body(f'finger_at_{side}_y').xpos[1] for side in ('plus', 'minus')]
    np.testing.assert_allclose(ys - scene.grip_position_m[1], [0.03, -0.01], atol=1e-3)
    seen = fields_of(
        on_small_arm('PickAndPlace'), observe(scene, data.qpos[None], data.qvel[None])[0][0]
    )
    np.testing.assert_array_equal(seen['finger_positions'], [0.03, 0.01])


def test_rotation_matrices_are_those_of_mujoco():
    quaternions = np.random.default_rng(0).normal(size=(4, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    for quaternion, found in zip(quaternions, rotation_matrices(quaternions), strict=True):
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, quaternion)
        np.testing.assert_allclose(found.ravel(), matrix, atol=1e-12)
