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

"""The MuJoCo model of a goal task on a described arm."""

from dataclasses import dataclass
import functools

from her_ros.arms.chain import JointChain
from her_ros.arms.description import ArmDescription
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import arm_model
from her_ros.arms.placement import placement_of, TABLE_HEIGHT_M
from her_ros.arms.scene_specs import scene_spec_of, SceneSpec
from her_ros.sim.arm.parts import (
    add_closed_fingers,
    add_fingers,
    add_links,
    add_object,
    add_table,
)
from her_ros.sim.errors import SimError
from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIMESTEP_S = 0.004
#: physics steps in one control period of 40 ms
SUBSTEPS = 10

# The arm's start position is refined from home in this many calls, and may be off by this much.
_REFINEMENTS, _LARGEST_MISS_M = 20, 1e-3
_SETTLING_STEPS = 500


@dataclass(frozen=True)
class ArmScene:
    """Model of a task on an arm, and the indices of its parts. Shared; not to be modified."""

    scene_spec: SceneSpec
    mujoco_model: mujoco.MjModel
    description: ArmDescription
    kinematics: InverseKinematics
    #: position of the arm's base, metres, world frame; its axes are those of the world
    base_m: Floats
    #: arm joints, then fingers at +y and at -y unless they are held closed: indices into qpos,
    #: qvel and ctrl
    joints: slice
    fingers: slice
    #: id of the object's body; None: there is no object
    object: int | None  # noqa: A003
    #: first of the object's 7 values in qpos, and first of its 6 in qvel
    object_qpos: int
    object_dof: int
    #: start of episodes, apart from the object
    start_qpos: Floats
    #: position of the tool at the start, and height of the resting object, metres, world frame
    grip_position_m: Floats
    object_height_m: float

    @property
    def control_period_s(self) -> float:
        """Time of one action, seconds."""
        return SUBSTEPS * TIMESTEP_S


@functools.cache
def load_scene(task: GoalTask) -> ArmScene:
    """
    Make the scene of a task, once per process.

    :raises ArmError: if there is no such arm, or its description or model has a fault
    :raises SimError: if the task is not for arms, or the arm does not reach the start
    """
    if task.name not in ARM_TASKS:
        raise SimError(
            f'task {task.name!r} has no scene with an arm', f'{", ".join(ARM_TASKS)} have one'
        )
    placement = placement_of(task)
    scene_spec, description = placement.scene_spec, placement.description
    kinematics = InverseKinematics(description, arm_model(description))
    joints = _start_joints(kinematics, description, placement.start_in_base_m)
    spec = scene_mjcf(task, description, kinematics.chain, joints, placement.base_m)
    model = spec.compile()
    has_object = scene_spec.object_start_m is not None
    settled = _settled(model)
    return ArmScene(
        scene_spec=scene_spec,
        mujoco_model=model,
        description=description,
        kinematics=kinematics,
        base_m=placement.base_m,
        joints=slice(len(joints)),
        fingers=slice(len(joints), model.nu),
        object=model.body('object').id if has_object else None,
        object_qpos=model.nu,
        object_dof=model.nu,
        start_qpos=settled,
        grip_position_m=placement.start_m,
        object_height_m=float(settled[model.nu + 2]) if has_object else 0.0,
    )


def scene_mjcf(
    task: GoalTask,
    description: ArmDescription,
    chain: JointChain,
    joints: Floats,
    base_m: Floats,
) -> mujoco.MjSpec:
    """
    Return a scene with the arm at its start, not yet compiled.

    :param joints: rad (m if prismatic), shape (J,)
    """
    scene_spec, is_slide = scene_spec_of(task), task.name == 'Slide'
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    add_table(spec, TABLE_HEIGHT_M, is_slippery=is_slide)
    add_links(spec, chain, joints, base_m)
    if scene_spec.fingers_closed:
        add_closed_fingers(spec)
    else:
        add_fingers(spec, description.gripper)
    if scene_spec.object_start_m is not None:
        add_object(spec, TABLE_HEIGHT_M, is_puck=is_slide)
    return spec


def _start_joints(
    kinematics: InverseKinematics, description: ArmDescription, position: Floats
) -> Floats:
    """
    Return joints with which the tool is at a position and points down.

    :param position: metres, axes of the base, shape (3,)
    :raises SimError: if the arm does not reach it
    """
    joints = kinematics.home
    for _ in range(_REFINEMENTS):
        joints = kinematics.solve(joints, position)
    missed_m = float(np.linalg.norm(kinematics.chain.tool_pose(joints)[0] - position))
    if missed_m > _LARGEST_MISS_M:
        raise SimError(
            f'arm {description.name!r}: its tool cannot start at {position.round(3).tolist()} in'
            f' the axes of the base; it stays {missed_m:.3f} m away',
            'correct the workspace or the home of its description',
        )
    return joints


def _settled(model: mujoco.MjModel) -> Floats:
    """Return qpos after the object came to rest, with the arm at its start."""
    data = mujoco.MjData(model)
    data.ctrl[:] = data.qpos[: model.nu]
    mujoco.mj_step(model, data, nstep=_SETTLING_STEPS)
    data.qpos[: model.nu] = model.qpos0[: model.nu]
    settled: Floats = data.qpos.copy()
    return settled
