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

"""The compiled MuJoCo model of a task, the indices of its parts, and its settled state."""

import copy
from dataclasses import dataclass
import functools
import importlib.util
from pathlib import Path

from her_ros.arms.errors import ArmError
from her_ros.arms.scene_specs import scene_spec_of, SCENE_SPECS, SceneSpec
from her_ros.arms.simplify_model import simplify_model
from her_ros.tasks.goal_task import GoalTask
import mujoco
import numpy as np
from numpy.typing import NDArray

#: physics steps of 2 ms in one control period of 40 ms
SUBSTEPS = 20
#: added to the gripper's orientation to give the mocap's; left unnormalised, as in the original
MOCAP_TURN = (1.0, 0.0, 1.0, 0.0)

_SETTLING_PERIODS = 10
_WELD_WITHOUT_OFFSET = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
#: prefix of the names of a Fetch's joints in the MJCF
MJCF_PREFIX = 'robot0:'
#: the arm's joints from shoulder to wrist, named as on a Fetch
ARM_JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'upperarm_roll_joint',
    'elbow_flex_joint',
    'forearm_roll_joint',
    'wrist_flex_joint',
    'wrist_roll_joint',
)
#: right before left, as an observation has them; the actuators stand the other way round
FINGER_JOINTS = ('r_gripper_finger_joint', 'l_gripper_finger_joint')


@dataclass(frozen=True)
class SiteChain:
    """A site and the degrees of freedom that move it."""

    site: int
    #: body at the root of the site's kinematic tree
    root: int
    #: indices into qvel, shape (dofs,)
    dofs: NDArray[np.intp]


@dataclass(frozen=True)
class FetchModel:
    """A task's model and the indices of its parts. It is shared and must not be modified."""

    scene_spec: SceneSpec
    mujoco_model: mujoco.MjModel
    gripper_body: int
    grip: SiteChain
    object: SiteChain | None  # noqa: A003
    #: right and left finger, indices into qpos and into qvel
    finger_qpos: NDArray[np.intp]
    finger_dofs: NDArray[np.intp]
    #: first of the object's 7 values in qpos
    object_qpos: int
    #: per actuator, the index into qpos of the joint it moves
    actuated_qpos: NDArray[np.intp]
    #: the settled state every episode starts from
    start_time_s: float
    start_qpos: NDArray[np.float64]
    start_qvel: NDArray[np.float64]
    #: settled position of the gripper and height of the object, metres, world frame
    grip_position_m: NDArray[np.float64]
    object_height_m: float


@functools.cache
def load_model(task: GoalTask) -> FetchModel:
    """
    Load, settle and index a task's model, once per process.

    :raises ArmError: if the task or its assets are missing
    """
    if task.arm:
        raise ArmError(
            f'task {task.name!r} of arm {task.arm_name!r} has no Fetch',
            f'choose one of {", ".join(SCENE_SPECS)}',
        )
    scene_spec = scene_spec_of(task)
    model = compile_scene(scene_spec)
    settled = _settle(model, scene_spec)
    grip = _site_chain(model, 'robot0:grip')
    moved = None if scene_spec.object_start_m is None else _site_chain(model, 'object0')
    fingers = [model.joint(MJCF_PREFIX + name) for name in FINGER_JOINTS]
    return FetchModel(
        scene_spec=scene_spec,
        mujoco_model=model,
        gripper_body=model.body('robot0:gripper_link').id,
        grip=grip,
        object=moved,
        finger_qpos=np.array([joint.qposadr[0] for joint in fingers]),
        finger_dofs=np.array([joint.dofadr[0] for joint in fingers]),
        object_qpos=0 if moved is None else int(model.joint('object0:joint').qposadr[0]),
        actuated_qpos=model.jnt_qposadr[model.actuator_trnid[:, 0]].astype(np.intp),
        start_time_s=settled.time,
        start_qpos=settled.qpos.copy(),
        start_qvel=settled.qvel.copy(),
        grip_position_m=settled.site_xpos[grip.site].copy(),
        object_height_m=0.0 if moved is None else float(settled.site_xpos[moved.site, 2]),
    )


def assets_folder() -> Path:
    """
    Locate gymnasium-robotics' Fetch assets without importing the package.

    :raises ArmError: if the package is not installed
    """
    # Importing it would take a while, print a warning, and bring environments we don't use.
    spec = importlib.util.find_spec('gymnasium_robotics')
    if spec is None or not spec.submodule_search_locations:
        raise ArmError(
            'gymnasium_robotics is not installed',
            'it contains the robot and the scenes (pip install gymnasium-robotics==1.4.2)',
        )
    return Path(spec.submodule_search_locations[0]) / 'envs' / 'assets' / 'fetch'


def scene_mjcf(scene_spec: SceneSpec) -> mujoco.MjSpec:
    """
    Read a task's MJCF as it stands, with all that is only visual.

    :raises ArmError: if the file is missing or MuJoCo cannot read it
    """
    path = assets_folder() / scene_spec.scene
    if not path.is_file():
        raise ArmError(f'{path} is missing', 'reinstall gymnasium-robotics==1.4.2')
    try:
        return mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise _refused(path, error) from error


def compile_scene(scene_spec: SceneSpec) -> mujoco.MjModel:
    """
    Compile a task's MJCF, with the gripper welded to the mocap without any offset.

    :raises ArmError: if the file is missing or MuJoCo refuses it
    """
    spec = scene_mjcf(scene_spec)
    try:
        simplify_model(spec)
        model = spec.compile()
    except ValueError as error:
        raise _refused(assets_folder() / scene_spec.scene, error) from error
    model.eq_data[:, :7] = _WELD_WITHOUT_OFFSET
    return model


def _refused(path: Path, error: ValueError) -> ArmError:
    return ArmError(
        f'MuJoCo {mujoco.__version__} cannot load it: {error}',
        'install the versions in requirements.txt',
        path,
    )


def base_position(fetch: FetchModel) -> NDArray[np.float64]:
    """Return the position of the robot's base, metres, world frame, shape (3,)."""
    data = mujoco.MjData(fetch.mujoco_model)
    data.qpos[:] = fetch.start_qpos
    mujoco.mj_kinematics(fetch.mujoco_model, data)
    position: NDArray[np.float64] = data.body('robot0:base_link').xpos.copy()
    return position


def without_contacts(model: mujoco.MjModel) -> mujoco.MjModel:
    """Return a copy of a model without contacts and constraints; positions stay the same."""
    copied = copy.copy(model)
    copied.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
    copied.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONSTRAINT)
    return copied


def _settle(model: mujoco.MjModel, scene_spec: SceneSpec) -> mujoco.MjData:
    """Bring the gripper above the table and let the object come to rest."""
    data = mujoco.MjData(model)
    data.joint('robot0:slide0').qpos = scene_spec.base_x_m
    data.joint('robot0:slide1').qpos = 0.48
    data.joint('robot0:slide2').qpos = 0.0
    if scene_spec.object_start_m is not None:
        data.joint('object0:joint').qpos = (*scene_spec.object_start_m, 1.0, 0.0, 0.0, 0.0)
    mujoco.mj_forward(model, data)
    data.mocap_pos[0] = np.array(scene_spec.gripper_shift_m) + data.site('robot0:grip').xpos
    data.mocap_quat[0] = MOCAP_TURN
    mujoco.mj_step(model, data, nstep=_SETTLING_PERIODS * SUBSTEPS)
    return data


def _site_chain(model: mujoco.MjModel, name: str) -> SiteChain:
    site = model.site(name)
    body = int(site.bodyid[0])
    # A body without joints of its own is moved by its nearest moving ancestor.
    moving = body
    while moving and not model.body_dofnum[moving]:
        moving = int(model.body_parentid[moving])
    dofs = []
    dof = int(model.body_dofadr[moving] + model.body_dofnum[moving] - 1)
    while dof >= 0:
        dofs.append(dof)
        dof = int(model.dof_parentid[dof])
    return SiteChain(site.id, int(model.body_rootid[body]), np.array(dofs[::-1], np.intp))
