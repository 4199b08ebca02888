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

"""Compute a task's observations from a robot's joint states and its object's poses."""

from collections.abc import Sequence
from typing import NamedTuple

from her_ros.arms.scene_specs import scene_spec_of
from her_ros.robot.bridge.joints import JointStates
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.bridge.prediction import CommandedMotion
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Floats, Pose
from her_ros.robot.kinematics import ArmKinematics
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.observed import euler_angles, Observed
from her_ros.wire.topics import JOINT_STATES, OBJECT_POSE
import numpy as np
from numpy.typing import ArrayLike

# An object slower than this counts as at rest: its measured velocity is noise.
_AT_REST_MPS = 0.02
# Number of names shown in a message.
_FEW = 3


class MissingInput(NamedTuple):
    """A topic whose last message is missing or too old."""

    topic: str
    #: which joints or frames are late, in words; empty: all of them
    detail: str = ''

    def __str__(self) -> str:
        """Return the topic and, in brackets, what of it is late."""
        return f'{self.topic} ({self.detail})' if self.detail else self.topic


def listed(missing: Sequence[MissingInput]) -> str:
    """Return the names of missing inputs as one text."""
    return ' and '.join(map(str, missing))


class Observer:
    """
    Builds observations as the simulation of training does.

    Inputs are in SI units; velocities of observations are per control period, as in training.
    All times are monotonic. A measurement may be in the future by the allowed clock offset.

    :param kinematics: a :class:`MeasuredTool` gets its pose by :meth:`take_tool`
    :param velocity_window_s: see :class:`~her_ros.robot.bridge.tracks.Track`
    :param motion: predicts the gripper from its commands; None: no prediction
    """

    def __init__(
        self,
        task: GoalTask,
        kinematics: ArmKinematics | MeasuredTool,
        velocity_window_s: float,
        motion: CommandedMotion | None = None,
    ) -> None:
        self._task = task
        self._kinematics = kinematics
        self._track = Track(velocity_window_s)
        self._motion = motion
        self._fingers_closed = scene_spec_of(task).fingers_closed
        self._needed = _needed(task, kinematics, self._fingers_closed)
        self._joints = JointStates(kinematics.joint_names, kinematics.continuous)
        #: what tells the pose of the tool; None: joint states do
        self._tool_input = (
            MissingInput(kinematics.source, kinematics.detail)
            if isinstance(kinematics, MeasuredTool)
            else None
        )
        #: index of the arm's first joint; None: the arm is measured by the pose of its tool
        self._pace = (
            kinematics.joint_names.index(kinematics.arm_joints[0])
            if isinstance(kinematics, ArmKinematics)
            else None
        )
        #: time of the last measurement of the arm
        self._arm_measured_s = -np.inf
        #: names in the last message that held none of the joints needed
        self._other_joints: Sequence[str] = ()
        self._object_measured_s = -np.inf

    @property
    def object_position(self) -> Floats | None:
        """Last position of the object, metres, world frame, shape (3,)."""
        return self._track.last.position if self._track.last else None

    def take_joints(
        self,
        names: Sequence[str],
        position: ArrayLike,
        velocity: ArrayLike,
        measured_s: float,
    ) -> bool:
        """
        Accept joint states, see :meth:`JointStates.take`.

        Several drivers may publish joints separately. Messages with the arm's first joint start
        control periods.

        :return: whether the arm's first joint was updated
        :raises RobotError: if a value is missing or not finite
        """
        renewed = self._joints.take(names, position, velocity, measured_s)
        if renewed.any() and self._joints.complete:
            self._kinematics.update(self._joints.position, self._joints.velocity)
        if not set(names).intersection(self._joints.names):
            self._other_joints = names
        if self._pace is None or not renewed[self._pace]:
            return False
        self._arm_measured_s = float(self._joints.measured_s[self._pace])
        return True

    def take_tool(self, pose: Pose, measured_s: float) -> bool:
        """
        Accept a pose of the tool, if that is what measures the arm.

        :param pose: world frame
        :param measured_s: time of the measurement
        :return: whether it is newer than the one before
        """
        assert isinstance(self._kinematics, MeasuredTool)
        self._kinematics.take_pose(pose, measured_s)
        is_new = measured_s > self._arm_measured_s
        self._arm_measured_s = max(self._arm_measured_s, measured_s)
        return is_new

    def take_object(self, pose: Pose, measured_s: float) -> None:
        """
        Accept a pose of the object.

        :param pose: world frame
        :param measured_s: time of the measurement
        """
        self._track.add(pose, measured_s)
        self._object_measured_s = max(self._object_measured_s, measured_s)

    def begin(self) -> None:
        """Start with the object at rest: motion from placing it there is ignored."""
        self._track.rest()

    def missing(self, now_s: float, timeout_s: float) -> list[MissingInput]:
        """
        Return the inputs that never came or whose last measurement is older than the timeout.

        Joint states are as old as the oldest joint. Joints are named if only some are late.
        """
        found = []
        late = self._joints.late(now_s, timeout_s)
        if JOINT_STATES in self._needed and late:
            found.append(MissingInput(JOINT_STATES, self._which(late)))
        if self._tool_input and now_s - self._arm_measured_s > timeout_s:
            found.append(self._tool_input)
        if OBJECT_POSE in self._needed and now_s - self._object_measured_s > timeout_s:
            found.append(MissingInput(OBJECT_POSE))
        return found

    def _which(self, late: list[str]) -> str:
        if len(late) < len(self._joints.names):
            return f'of {_few(late)}'
        if self._other_joints:
            return f'only those of {_few(self._other_joints)} come'
        return ''

    def observe(self, now_s: float) -> Observed:
        """
        Return the present observation, shape (1, O), and achieved goal, shape (1, 3).

        Every input must have arrived at least once.
        """
        arm, period_s = self._kinematics, self._task.control_period_s
        measured = arm.grip_velocity
        moved, change = self._since(self._arm_measured_s, now_s)
        grip, grip_velocity = arm.grip_position + moved, measured + change
        values = {
            'gripper_position': grip,
            'finger_positions': self._of_fingers(arm.finger_position),
            'gripper_velocity': grip_velocity * period_s,
            'finger_velocities': self._of_fingers(arm.finger_velocity) * period_s,
        }
        achieved = grip
        if OBJECT_POSE in self._needed:
            position, quaternion, velocity, spin = self._track.fit()
            moved, change = self._since(self._object_measured_s, now_s)
            share = _share(velocity, measured)
            position, velocity = position + share * moved, velocity + share * change
            rotation = Pose(position, quaternion).rotation
            values['object_position'] = achieved = position
            values['object_position_from_gripper'] = position - grip
            values['object_rotation'] = euler_angles(rotation[None])[0]
            values['object_velocity_from_gripper'] = (velocity - grip_velocity) * period_s
            values['object_angular_velocity'] = spin * period_s
        fields = [values[name] for name, _ in self._task.observation_fields]
        return Observed(np.concatenate(fields)[None], achieved[None].copy())

    def _of_fingers(self, measured: Floats) -> Floats:
        """
        Show fingers that are held closed as closed.

        Training sets them to 0 at the end of each control period, so policies never see other
        values there. A few millimetres degrade their actions.
        """
        return np.zeros_like(measured) if self._fingers_closed else measured

    def _since(self, measured_s: float, now_s: float) -> tuple[Floats, Floats]:
        """Return the gripper's displacement and velocity change since: m and m/s, shape (3,)."""
        if self._motion is None:
            return np.zeros(3), np.zeros(3)
        return self._motion.since(now_s - measured_s, now_s)


def _needed(
    task: GoalTask, kinematics: ArmKinematics | MeasuredTool, fingers_closed: bool
) -> tuple[str, ...]:
    """Return the topics that observations of a task are made of."""
    if isinstance(kinematics, ArmKinematics):
        needed: tuple[str, ...] = (JOINT_STATES,)
    else:
        # Fingers that are held closed are observed as closed.
        source = kinematics.source
        needed = (source,) if fingers_closed else (source, JOINT_STATES)
    has_object = 'object_position' in {name for name, _ in task.observation_fields}
    return (*needed, OBJECT_POSE) if has_object else needed


def _share(velocity: Floats, grip_velocity: Floats) -> float:
    """
    Return the fraction of the gripper's motion that the object follows, from 0 to 1.

    The prediction moves the object by this fraction: a pushed object stops with the gripper.
    """
    if np.linalg.norm(velocity) < _AT_REST_MPS:
        return 0.0
    along = float(velocity @ grip_velocity) / max(float(grip_velocity @ grip_velocity), 1e-4)
    return min(max(along, 0.0), 1.0)


def _few(names: Sequence[str]) -> str:
    """Return the first few names as one text."""
    more = [f'{len(names) - _FEW} more'] if len(names) > _FEW else []
    return ', '.join([*names[:_FEW], *more])
