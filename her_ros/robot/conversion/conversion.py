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

"""Make episodes from recorded measurements and commands of a robot."""

from collections.abc import Sequence
from typing import NamedTuple

from her_ros.arms.scene_specs import scene_spec_of
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.episodes import RobotEpisodes
from her_ros.robot.bridge.goals import GoalRegion
from her_ros.robot.bridge.measurement_clock import MeasurementClock
from her_ros.robot.bridge.observer import listed, Observer
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.commands import checked_fingers
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats, Frames, Pose
from her_ros.robot.kinematics import task_kinematics
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import action_dtype, IDENTITY, Rows
import numpy as np
from numpy.typing import ArrayLike

# A slower arm counts as standing still: its measured motion is noise.
_STANDS_STILL_MPS = 0.005
# A robot stops by itself this long after the last twist.
_COMMAND_LIFETIME_S = 0.1
# An episode ends after this time without motion.
_PAUSE_S = 1.0


class _Goal(NamedTuple):
    """A goal, and when it was recorded."""

    #: metres, world frame, shape (3,)
    point: Floats
    time_s: float

    def __str__(self) -> str:
        """Return its position and time as text."""
        place = ', '.join(f'{value:.3f}' for value in self.point)
        return f'goal ({place}) at {self.time_s:.2f} s'


class Conversion:
    """
    Divides a recording into control periods and computes the action of each.

    An episode starts with the first motion after a goal, whatever caused the motion. It ends as on
    a robot, with the next goal, after a second without motion, or with the recording. The action
    of a period is the average command in it or, without commands, the gripper's displacement.

    All times are seconds since the recording began, by the recorder's clock.

    :param parameters: speeds, velocity window and ends of episodes, as for the bridge
    :param frames: pose of the robot's base and of other frames
    """

    def __init__(
        self, task: GoalTask, parameters: RobotBridgeParameters, frames: Frames, session: int
    ) -> None:
        p = parameters
        self._task, self._speed_mps = task, p.command_full_action_speed_mps
        self._units = TwistUnits(p, frames)
        self._timeout_s = p.timeout_input_s
        self._fingers_closed = scene_spec_of(task).fingers_closed
        self._kinematics = task_kinematics(task, frames.base)
        self._episodes = RobotEpisodes(
            task, session, p.episode_steps or task.episode_length, p.success_steps
        )
        self._region = GoalRegion(task)
        self._velocity_window_s = p.velocity_window_s
        self._goal: _Goal | None = None  # whose episode has not begun
        self._current: _Goal | None = None  # of the present episode
        self._lacking = ''
        self._fingers: Floats | None = None
        self._rows: list[Rows] = []
        #: goals without an episode, each with the reason
        self.left_out: list[str] = []
        self._forget()

    def _forget(self) -> None:
        """Discard all measurements and commands."""
        self._observer = Observer(self._task, self._kinematics, self._velocity_window_s)
        self._clock = MeasurementClock(self._task.control_period_s)
        self._velocities: list[Floats] = []  # velocities in this period
        self._velocity: Floats | None = None  # what holds since the last one
        self._told_at_s = self._moved_at_s = -np.inf
        self._measured_at_s: float | None = None
        self._grip = self._kinematics.grip_position

    def goal(self, point: Floats, time_s: float) -> None:
        """
        Accept a goal: metres, world frame, shape (3,).

        A goal outside of the task's region is left out and changes nothing.
        """
        try:
            goal = _Goal(self._region.goal(point), time_s)
        except RobotError as error:
            self.left_out.append(f'at {time_s:.2f} s: {error}')
            return
        self._drop_waiting('the next goal')
        if self._episodes.running:
            self._episodes.end()
        self._goal = goal

    def restart(self, reason: str) -> None:
        """Continue after a gap in the recording; leave out the present episode."""
        self._lose(reason)
        if self._goal is not None:
            self.left_out.append(f'{self._goal}: {reason}')
            self._goal = None
        self._forget()

    def velocity(self, linear: Floats, time_s: float) -> None:
        """Accept a twist's linear part, in world axes; m/s or unitless, shape (3,)."""
        self._velocity = self._units.meant(linear)
        self._velocities.append(self._velocity)
        self._told_at_s = time_s

    def fingers(self, positions: ArrayLike) -> None:
        """
        Accept commanded positions of the gripper's joints: m or rad, shape (1,) or (2,).

        :raises RobotError: if their number is not that of the joints, or one is not finite
        """
        count = len(self._kinematics.description.gripper.joints)
        self._fingers = self._kinematics.fingers_at(checked_fingers(positions, count))

    def object(self, pose: Pose, time_s: float) -> None:  # noqa: A003
        """Accept a pose of the object in the world frame."""
        self._observer.take_object(pose, time_s)

    def joints(
        self, names: Sequence[str], position: ArrayLike, velocity: ArrayLike, time_s: float
    ) -> list[Rows] | None:
        """
        Accept joint states, see :meth:`Observer.take_joints`.

        :return: the rows of an episode if this message ends it
        :raises RobotError: if values are missing or not finite
        """
        if not self._observer.take_joints(names, position, velocity, time_s):
            return None
        before_s, self._measured_at_s = self._measured_at_s, time_s
        if before_s is not None and time_s - before_s > self._timeout_s:
            self._lose(
                f'no joint_states of the arm for {time_s - before_s:.3f} s before {time_s:.2f} s'
                f' (limit {self._timeout_s:g} s)'
            )
        return self._next(time_s) if self._clock.measured(time_s) else None

    def finish(self) -> list[Rows] | None:
        """
        End the recording.

        :return: the rows of the running episode, if there is one
        """
        self._drop_waiting('the end of the recording')
        if not self._episodes.running:
            return None
        last = self._rows[-1].copy()
        last['truncated'] = True
        self._episodes.abandon()
        return [*self._rows[:-1], last]

    def _next(self, now_s: float) -> list[Rows] | None:
        action, speed_mps = self._action()
        self._grip = self._kinematics.grip_position
        if self._velocity is not None and now_s - self._told_at_s > _COMMAND_LIFETIME_S:
            self._velocity = np.zeros(3)
        self._velocities = [] if self._velocity is None else [self._velocity]
        if speed_mps > _STANDS_STILL_MPS:
            self._moved_at_s = now_s
        if missing := self._observer.missing(now_s, self._timeout_s):
            self._lacking = (
                f'no {listed(missing)} within {self._timeout_s:g} s before {now_s:.2f} s'
            )
            self._lose(self._lacking)
            return None
        self._lacking = ''
        if not self._episodes.running and self._goal is not None:
            self._episodes.start(self._goal.point)
            self._current, self._goal, self._rows = self._goal, None, []
        if not self._episodes.running:
            return None
        if self._episodes.waiting and (now_s > self._moved_at_s or not self._rows):
            self._rows = [self._episodes.show(self._observer.observe(now_s))]
            return None
        if now_s - self._moved_at_s > _PAUSE_S:
            self._episodes.end()
        return self._go_on(action, now_s)

    def _lose(self, reason: str) -> None:
        """Give up the present episode; keep its goal if nothing has moved yet."""
        if self._episodes.waiting:
            self._goal = self._goal or self._current
        elif self._episodes.running:
            self.left_out.append(f'{self._current}: {reason}')
        self._episodes.abandon()
        self._rows = []

    def _drop_waiting(self, until: str) -> None:
        """Leave out goals without motion."""
        if self._episodes.waiting:
            self.left_out.append(f'{self._current}: no motion before {until}')
            self._episodes.abandon()
        if self._goal is not None:
            reason = self._lacking or f'no measurement of a moving arm before {until}'
            self.left_out.append(f'{self._goal}: {reason}')
            self._goal = None

    def _go_on(self, action: Floats, now_s: float) -> list[Rows] | None:
        answers = np.zeros(1, action_dtype(self._task))
        for name in IDENTITY:
            answers[name] = self._episodes.rows[name]
        answers['action'] = action
        self._episodes.accept(answers)
        self._rows.append(self._episodes.show(self._observer.observe(now_s)))
        if self._episodes.running:
            return None
        rows, self._rows = self._rows, []
        return rows

    def _action(self) -> tuple[Floats, float]:
        """Return the action of the last period, shape (A,), and the gripper's speed, m/s."""
        way = self._kinematics.grip_position - self._grip
        moved = way / self._task.control_period_s
        velocity = np.mean(self._velocities, axis=0) if self._velocities else moved
        action = np.zeros(self._task.action_size)
        action[:3] = velocity / self._speed_mps
        if not self._fingers_closed and self._fingers is not None:
            action[3] = np.mean(self._fingers - self._kinematics.finger_position)
        return np.clip(action, -1.0, 1.0), float(np.linalg.norm(moved))
