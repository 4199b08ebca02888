"""Compute a task's observations from a robot's joint states and its object's poses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from her_ros.arms.scene_specs import scene_spec_of
from her_ros.robot.bridge.joints import JointStates
from her_ros.robot.bridge.prediction import CommandedMotion
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Floats, Pose
from her_ros.robot.kinematics import ARM_JOINTS, FetchKinematics
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.observed import Observed, euler_angles
from her_ros.wire.topics import JOINT_STATES, OBJECT_POSE

# An object slower than this is not being pushed; noise makes it seem to move.
_AT_REST_MPS = 0.02
# Names in a message for a person.
_FEW = 3


class MissingInput(NamedTuple):
    """A topic whose last message is missing or too old."""

    topic: str
    #: which joints are late, in words; empty: all of them
    detail: str = ''

    def __str__(self) -> str:
        """Return the topic and, in brackets, which of its joints are late."""
        return f'{self.topic} ({self.detail})' if self.detail else self.topic


def listed(missing: Sequence[MissingInput]) -> str:
    """Return the names of missing inputs as one text."""
    return ' and '.join(map(str, missing))


class Observer:
    """Puts together what a policy sees, as training's simulation would have shown it.

    Velocities, in SI units outside, are per control period inside, as the policy was trained.
    All times are monotonic. A measurement may lie ahead of now by as much as clocks may differ.

    :param velocity_window_s: see :class:`~her_ros.robot.bridge.tracks.Track`
    :param motion: leads from where the gripper was measured to where it is; None: nothing does
    """

    def __init__(
        self,
        task: GoalTask,
        kinematics: FetchKinematics,
        velocity_window_s: float,
        motion: CommandedMotion | None = None,
    ) -> None:
        self._task = task
        self._kinematics = kinematics
        self._track = Track(velocity_window_s)
        self._motion = motion
        self._fingers_closed = scene_spec_of(task).fingers_closed
        names = {name for name, _ in task.observation_fields}
        self._needed = (
            (JOINT_STATES, OBJECT_POSE) if 'object_position' in names else (JOINT_STATES,)
        )
        self._joints = JointStates(kinematics.joint_names, kinematics.continuous)
        self._pace = kinematics.joint_names.index(ARM_JOINTS[0])
        #: names in the last message that held none of the joints needed
        self._other_joints: Sequence[str] = ()
        self._object_measured_s = -np.inf

    @property
    def object_position(self) -> Floats | None:
        """Where the object was last, metres, world frame, shape (3,)."""
        return self._track.last.position if self._track.last else None

    def take_joints(
        self,
        names: Sequence[str],
        position: ArrayLike,
        velocity: ArrayLike,
        measured_s: float,
    ) -> bool:
        """Take in joint states, see :meth:`JointStates.take`.

        Several drivers may publish joints apart. The one that publishes the arm's first joint
        sets the pace: its messages begin control periods.

        :return: whether the arm was measured anew
        :raises RobotError: if a value is missing or not finite
        """
        renewed = self._joints.take(names, position, velocity, measured_s)
        if renewed.any() and self._joints.complete:
            self._kinematics.update(self._joints.position, self._joints.velocity)
        if not set(names).intersection(self._joints.names):
            self._other_joints = names
        return bool(renewed[self._pace])

    def take_object(self, pose: Pose, measured_s: float) -> None:
        """Take in where the object is.

        :param pose: in the world
        :param measured_s: when that was
        """
        self._track.add(pose, measured_s)
        self._object_measured_s = max(self._object_measured_s, measured_s)

    def begin(self) -> None:
        """Begin with an object at rest: who put it there is not part of what follows."""
        self._track.rest()

    def missing(self, now_s: float, timeout_s: float) -> list[MissingInput]:
        """Return the inputs that never came or whose last measurement is older than the timeout.

        Joint states are as old as the oldest joint. Joints are named if only some are late.
        """
        found = []
        if late := self._joints.late(now_s, timeout_s):
            found.append(MissingInput(JOINT_STATES, self._which(late)))
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
        """Return the present observation, shape (1, O), and achieved goal, shape (1, 3).

        Needs every input to have come once.
        """
        arm, period_s = self._kinematics, self._task.control_period_s
        measured = arm.grip_velocity
        moved, change = self._since(float(self._joints.measured_s[self._pace]), now_s)
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
        """Show fingers that are held closed as closed.

        Training closes them by force at the end of each control period; what gives way in between
        no policy has ever seen, and a few millimetres of it lead it astray.
        """
        return np.zeros_like(measured) if self._fingers_closed else measured

    def _since(self, measured_s: float, now_s: float) -> tuple[Floats, Floats]:
        """Return how the gripper moved since, and by how much faster it is: m, m/s, (3,)."""
        if self._motion is None:
            return np.zeros(3), np.zeros(3)
        return self._motion.since(now_s - measured_s, now_s)


def _share(velocity: Floats, grip_velocity: Floats) -> float:
    """Tell to what extent an object moves with the gripper, from 0 to 1.

    To that extent it goes on following it: what is pushed stops where the gripper does.
    """
    if np.linalg.norm(velocity) < _AT_REST_MPS:
        return 0.0
    along = float(velocity @ grip_velocity) / max(float(grip_velocity @ grip_velocity), 1e-4)
    return min(max(along, 0.0), 1.0)


def _few(names: Sequence[str]) -> str:
    """Return the first few names as one text."""
    more = [f'{len(names) - _FEW} more'] if len(names) > _FEW else []
    return ', '.join([*names[:_FEW], *more])
