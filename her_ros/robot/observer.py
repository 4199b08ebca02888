"""A robot's joint states and its object's poses as observations of a task."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from her_ros.core.task import GoalTask
from her_ros.core.topics import JOINT_STATES, OBJECT_POSE
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats, Pose
from her_ros.robot.kinematics import FetchKinematics
from her_ros.robot.prediction import CommandedMotion
from her_ros.robot.tracks import Track
from her_ros.sim.readout import Observed, euler_angles
from her_ros.sim.setups import setup_of

# An object slower than this is not being pushed; noise makes it seem to move.
_AT_REST_MPS = 0.02


class Observer:
    """Puts together what a policy sees, as training's simulation would have shown it.

    Velocities, in SI units outside, are per control period inside, as the policy was trained.
    All times are monotonic; none lies in the future.

    :param velocity_window_s: see :class:`~her_ros.robot.tracks.Track`
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
        self._fingers_closed = setup_of(task).fingers_closed
        names = {name for name, _ in task.observation_fields}
        self._needed = (
            (JOINT_STATES, OBJECT_POSE) if 'object_position' in names else (JOINT_STATES,)
        )
        # By input: when what came last was measured.
        self._measured_at: dict[str, float] = {}
        self._order: tuple[Sequence[str], list[int]] = ((), [])
        self._positions: Floats | None = None

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
    ) -> None:
        """Take in joint states, in any order and among others.

        :param position: rad or m, shape (len(names),)
        :param velocity: rad/s or m/s, shape (len(names),); empty: derived from the positions
        :param measured_s: when that was
        :raises RobotError: if a joint is missing, or a value is not finite
        """
        order = self._indices(names)
        positions = _picked('position', position, order, names)
        elapsed_s = measured_s - self._measured_at.get(JOINT_STATES, -np.inf)
        # Not every driver measures velocities: some send none, others send NaN.
        speeds = np.asarray(velocity, np.float64)
        is_whole = speeds.shape == (len(names),)
        if speeds.size and not (is_whole and np.isnan(speeds[order]).any()):
            velocities = _picked('velocity', speeds, order, names)
        elif self._positions is not None and elapsed_s > 0.0:
            velocities = (positions - self._positions) / elapsed_s
        else:
            velocities = np.zeros_like(positions)
        self._kinematics.update(positions, velocities)
        self._positions, self._measured_at[JOINT_STATES] = positions, measured_s

    def _indices(self, names: Sequence[str]) -> list[int]:
        known, order = self._order
        if known != names:
            place = {name: index for index, name in enumerate(names)}
            if missing := [name for name in self._kinematics.joint_names if name not in place]:
                raise RobotError(f'{JOINT_STATES}: {missing} are missing; it holds {list(names)}')
            order = [place[name] for name in self._kinematics.joint_names]
            self._order = (list(names), order)
        return order

    def take_object(self, pose: Pose, measured_s: float) -> None:
        """Take in where the object is.

        :param pose: in the world
        :param measured_s: when that was
        """
        self._track.add(pose, measured_s)
        self._measured_at[OBJECT_POSE] = measured_s

    def begin(self) -> None:
        """Begin with an object at rest: who put it there is not part of what follows."""
        self._track.rest()

    def missing(self, now_s: float, timeout_s: float) -> list[str]:
        """Name the inputs that never came, or of which the last was measured longer ago."""
        return [
            name
            for name in self._needed
            if now_s - self._measured_at.get(name, -np.inf) > timeout_s
        ]

    def observe(self, now_s: float) -> Observed:
        """Return the present observation, shape (1, O), and achieved goal, shape (1, 3).

        Needs every input to have come once.
        """
        arm, period_s = self._kinematics, self._task.control_period_s
        measured = arm.grip_velocity
        moved, change = self._since(self._measured_at[JOINT_STATES], now_s)
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
            moved, change = self._since(self._measured_at[OBJECT_POSE], now_s)
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


def _picked(kind: str, values: ArrayLike, order: list[int], names: Sequence[str]) -> Floats:
    found = np.asarray(values, np.float64)
    if found.shape != (len(names),):
        raise RobotError(f'{JOINT_STATES}: {len(names)} names but {found.size} values of {kind}')
    picked: Floats = found[order]
    if not np.isfinite(picked).all():
        bad = int(np.flatnonzero(~np.isfinite(picked))[0])
        raise RobotError(f'{JOINT_STATES}: {kind} of {names[order[bad]]} is {picked[bad]}')
    return picked
