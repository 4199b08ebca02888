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

"""Check a description against its model, and say what the arm can do."""

from collections import Counter
from collections.abc import Iterable, Iterator
import dataclasses
from dataclasses import dataclass

from her_ros.arms.check_model import joints_without_limits, wrong_chain, wrong_names, wrong_ranges
from her_ros.arms.collisions import CollisionChecker
from her_ros.arms.description import ArmDescription, Workspace
from her_ros.arms.errors import ArmError
from her_ros.arms.fingers import wrong_side
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model, load_spec
from her_ros.arms.placement import TABLE_HEIGHT_M
from her_ros.arms.scene_specs import BLOCK_M, SCENE_SPECS
from her_ros.arms.survey import joints_at, reach, REACHED_RAD, Survey, survey, tilt
from her_ros.wire.topics import ROBOT_DESCRIPTION
import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_UNKNOWN_MODEL = (
    'the robot publishes it, so joints, home, reach and collisions cannot be checked here, nor can'
    ' the arm be simulated; save the URDF, ros2 param get --hide-type /robot_state_publisher'
    ' robot_description > my_robot.urdf, and check it with model.source my_robot.urdf'
)
#: a tool that is slower than this along an axis counts as one that cannot move along it, m/s
_STILL_MPS = 0.01
#: height above the table at which a home is suggested, metres
_HOME_HEIGHT_M = 0.2


@dataclass(frozen=True)
class Checked:
    """Result of a check, as lines of text."""

    #: what is missing or wrong
    faults: tuple[str, ...]
    #: what may be intended
    notes: tuple[str, ...] = ()
    #: what the arm can do; empty if a fault keeps it from being computed
    abilities: tuple[str, ...] = ()


def check_arm(arm: ArmDescription) -> Checked:
    """
    Check that an arm's model has what the description names, and what the arm can do.

    :raises ArmError: if the model cannot be loaded
    """
    if arm.model.source == ROBOT_DESCRIPTION:
        return Checked((), (f'model: {_UNKNOWN_MODEL}',))
    spec = load_spec(arm)
    if faults := wrong_names(arm, spec):
        return Checked(tuple(faults))
    model = kinematic_model(arm)
    notes = (*joints_without_limits(arm, model), *_too_small(arm.workspace), *_too_narrow(arm))
    faults = [*wrong_chain(arm, spec, model), *wrong_ranges(arm, model), *wrong_side(arm, model)]
    if faults:
        return Checked(tuple(faults), notes)
    described = InverseKinematics(arm, model)
    faults, ik = _with_home(described, model)
    found = survey(ik)
    faults += _unreached(found)
    faults += _singular(found)
    try:
        faults += _collisions(CollisionChecker(arm, ik.chain.names), described.home, found)
    except ArmError as error:  # such as a mesh that is missing, which kinematics do without
        faults.append(f'collisions cannot be checked: {error}')
    return Checked(tuple(faults), notes, tuple(_abilities(ik, found)))


def _with_home(
    ik: InverseKinematics, model: mujoco.MjModel
) -> tuple[list[str], InverseKinematics]:
    """Check the home; return its faults, and kinematics with a better one if there are any."""
    arm, faults = ik.description, []
    position, rotation = ik.chain.tool_pose(ik.home)
    if (angle := float(tilt(ik, rotation))) > REACHED_RAD:
        faults.append(f'the tool is {np.degrees(angle):.0f}° away from tool.down_rpy')
    elif np.any(position < arm.workspace.low) or np.any(position > arm.workspace.high):
        faults.append(f'the tool is at {_point(position)}, outside of the workspace')
    if not faults:
        return [], ik
    target = np.array([*arm.workspace.centre, arm.workspace.table_height + _HOME_HEIGHT_M])
    better = joints_at(ik, target)
    if better is None:
        cure = f'nothing brings it to {_point(target)}, so change tool.down_rpy or workspace'
    else:
        better = better[ik.chain.commanded]
        cure = f'{better.round(4).tolist()} brings it to {_point(target)}'
        joints = dataclasses.replace(arm.arm, home=tuple(better.tolist()))
        ik = InverseKinematics(dataclasses.replace(arm, arm=joints), model)
    return [f'arm.home: {fault}; {cure}' for fault in faults], ik


def _too_small(workspace: Workspace) -> Iterator[str]:
    """Yield a line for each extent in which goals of the tasks may lie outside of the box."""
    spec = SCENE_SPECS['FetchPickAndPlace']  # its goals take the most room
    highest = spec.object_height_m - TABLE_HEIGHT_M + spec.goal_height_m
    above = workspace.high[2] - workspace.table_height
    if above < highest:
        yield (
            f'workspace: it ends {above:.3f} m above the table; PickAndPlace has goals up to'
            f' {highest:.3f} m above it'
        )
    width = 2 * spec.goal_range_m
    for axis, low, high in zip('xy', workspace.low, workspace.high, strict=False):
        if high - low < width:
            yield (
                f'workspace: it is {high - low:.3f} m wide along {axis}; goals and objects of the'
                f' tasks take up {width:.3f} m'
            )


def _too_narrow(arm: ArmDescription) -> Iterator[str]:
    """Yield a line if the gripper cannot take the block of the tasks between its fingers."""
    if (opening := arm.gripper.max_opening) <= BLOCK_M:
        yield (
            f'gripper: it opens {opening:g} m; the block of PickAndPlace is {BLOCK_M:g} m wide, so'
            ' it cannot be grasped'
        )


def _unreached(found: Survey) -> Iterator[str]:
    if missed := int((~found.reached).sum()):
        first = _point(found.points[~found.reached][0])
        yield (
            f'workspace: the tool does not reach {missed} of {len(found.points)} points, such as'
            f' {first}, pointing down; make it smaller, or move it'
        )


def _singular(found: Survey) -> Iterator[str]:
    """Yield a line if there are points in which the joints cannot move the tool along an axis."""
    fixed = (found.axis_speed < _STILL_MPS) & found.reached[:, None]
    singular = fixed.any(-1)
    count = int(singular.sum())
    if not count:
        return
    along = ' and '.join(np.array(['x', 'y', 'z'])[fixed[singular][0]])
    cannot = f'the joints cannot move the tool along {along} without turning it'
    if count == int(found.reached.sum()):
        yield (
            f'arm.joints: the arm is singular wherever it reaches: {cannot}; name all joints of'
            ' the arm, or use one whose axes are not all parallel'
        )
    else:
        first = _point(found.points[singular][0])
        yield (
            f'workspace: the arm is singular at {count} of {len(found.points)} points, such as'
            f' {first}: {cannot}; make it smaller, or move it'
        )


def _collisions(checker: CollisionChecker, home: Floats, found: Survey) -> Iterator[str]:
    for contact in checker.contacts(home):
        yield f'arm.home: {contact.bodies}, {1000 * contact.depth:.0f} mm deep; change home'
    counts: Counter[str] = Counter()
    firsts: dict[str, Floats] = {}
    for joints, point in zip(
        found.joints[found.reached], found.points[found.reached], strict=True
    ):
        for contact in checker.contacts(joints):
            counts[contact.bodies] += 1
            firsts.setdefault(contact.bodies, point)
    for bodies, count in counts.items():
        yield (
            f'workspace: {bodies} at {count} of {len(found.points)} points, such as'
            f' {_point(firsts[bodies])}; make it smaller, or move it'
        )


def _abilities(ik: InverseKinematics, found: Survey) -> Iterator[str]:
    arm = ik.description
    nearest, farthest = reach(ik)
    yield f'reach: pointing down, from {_point(nearest)} to {_point(farthest)}'
    size = np.subtract(arm.workspace.high, arm.workspace.low)
    yield (
        f'workspace: {" × ".join(f"{each:.2f}" for each in size)} m,'
        f' {int(found.reached.sum())} of {len(found.points)} points reached'
    )
    worst = int(found.manipulability.argmin())
    yield (
        f'manipulability: {found.manipulability[worst]:.3f} to {found.manipulability.max():.3f},'
        f' least at {_point(found.points[worst])}'
    )
    speeds = found.full_action_speed
    slowest = int(speeds.argmin())
    yield (
        f'full action: the joints allow {speeds[slowest]:.2f} m/s per axis everywhere (least at'
        f' {_point(found.points[slowest])}), {np.median(speeds):.2f} m/s at half of the points;'
        f' driver.max_tool_speed allows {arm.driver.max_tool_speed / np.sqrt(3):.2f} m/s'
    )


def _point(position: Iterable[float]) -> str:
    """Write a position in the frame of the base, metres."""
    # Adding 0 turns -0.0 into 0.0.
    return f'({", ".join(f"{round(float(each), 3) + 0:g}" for each in position)})'
