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

"""State machine of a robot: wait, move to the start position, or run an episode."""

from typing import NamedTuple

from her_ros.arms.placement import placement_of
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.robot.bridge.arm_commands import ArmCommands, Command
from her_ros.robot.bridge.deadlines import Deadlines
from her_ros.robot.bridge.episodes import RobotEpisodes
from her_ros.robot.bridge.goals import GoalQueue
from her_ros.robot.bridge.homing import Homing
from her_ros.robot.bridge.observer import listed, MissingInput, Observer
from her_ros.robot.bridge.outputs import arm_kinematics, command_output
from her_ros.robot.bridge.prediction import CommandedMotion
from her_ros.robot.bridge.units import TwistUnits
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats, Frames
from her_ros.runtime.states import Recovery, RobotState, WaitsFor
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import Rows
import numpy as np

# Zero velocity is commanded for this time after a stop; then no commands are sent.
_STOP_S = 0.5


class ControlOutput(NamedTuple):
    """Result of one control period."""

    #: the ``step`` row for the policy, shape (1,)
    rows: Rows | None = None
    command: Command | None = None


class RobotControl:
    """
    Runs episodes on a robot: one call per control period and one per action received.

    A new goal or a reset starts an episode. If configured, the gripper first moves to the start
    position. While there is no action for the present state, zero velocity is commanded. An
    episode is abandoned when inputs, actions or control periods stop. With ``recovery: latched``
    the robot then stays still until a person sends a goal or a reset.

    :param frames: pose of the robot's base and of other frames
    :param session: number drawn at every start of the bridge
    :param urdf: text of the arm's model, where the robot publishes it
    """

    def __init__(
        self,
        task: GoalTask,
        parameters: RobotBridgeParameters,
        frames: Frames,
        session: int,
        urdf: str = '',
    ) -> None:
        self._task = task
        self._parameters = p = parameters
        self.units = TwistUnits(p, frames)
        placement = placement_of(task)
        self.kinematics = arm_kinematics(p, placement.description, frames.base, urdf)
        self._commands = ArmCommands(
            task, self.kinematics, self.units, p.command_full_action_speed_mps
        )
        self._motion = CommandedMotion()
        self.observer = Observer(
            task,
            self.kinematics,
            p.velocity_window_s,
            self._motion if p.compensate_latency else None,
        )
        self.episodes = RobotEpisodes(
            task, session, p.episode_steps or task.episode_length, p.success_steps
        )
        #: kind of the commands for the arm, one of :data:`her_ros.arms.driver.COMMANDS`
        self.output = command_output(p, placement.description)
        self._homing = Homing(
            placement.scene_spec, placement.start_m, p.command_full_action_speed_mps
        )
        self._coming_home = False
        self.goals = GoalQueue(task)
        self._stop_until_s = -np.inf
        self._deadlines = Deadlines(p)
        #: number of states without an action in time
        self.unanswered = 0
        self.problem = ''

    @property
    def moving(self) -> bool:
        """Whether the robot may move: during an episode or on the way to its start position."""
        return self.episodes.running or self._coming_home

    def set_goal(self, point: Floats, now_s: float, stamp_ns: int = 0) -> None:
        """
        Accept a goal; its episode starts when the present one has ended.

        An episode whose first row has no action yet is restarted for this goal.

        :param point: metres, world frame, shape (3,)
        :param now_s: monotonic time
        :param stamp_ns: identifies the goal in :class:`~her_ros.robot.bridge.goals.GoalEvent`
        :raises RobotError: if the policy was not trained for it, or inputs are missing
        """
        self._require_inputs(now_s)
        waits = self.episodes.running and not self.episodes.waiting
        text = 'waits for the end of the present episode' if waits else 'an episode begins'
        self.goals.add(point, stamp_ns, text)
        self._deadlines.goal(now_s)
        if self.episodes.waiting:
            self._start(now_s)

    def reset(self, now_s: float) -> None:
        """
        End the present episode with its next state, and start another for the same goal.

        :param now_s: monotonic time
        :raises RobotError: if there is no goal yet, or inputs are missing
        """
        self._require_inputs(now_s)
        self.goals.again()
        self._deadlines.goal(now_s)
        self.episodes.end()

    def _require_inputs(self, now_s: float) -> None:
        # Otherwise the robot would start to move unexpectedly once the inputs arrive.
        if missing := self.missing(now_s):
            raise RobotError(
                f'nothing on {listed(missing)}, so no goal is accepted', 'start what publishes it'
            )

    def missing(self, now_s: float) -> list[MissingInput]:
        """Return missing or stale inputs, see :meth:`Observer.missing`."""
        return self.observer.missing(now_s, self._parameters.timeout_input_s)

    def waits_for(self, now_s: float) -> WaitsFor:
        """Return what the robot needs before it moves."""
        if self.missing(now_s):
            return WaitsFor.INPUTS
        if self.episodes.waiting:
            return WaitsFor.FIRST_ACTION
        if self.moving or self.goals.waiting is not None:
            return WaitsFor.NOTHING
        return WaitsFor.GOAL

    def state(self, now_s: float) -> RobotState:
        """Return what the robot does."""
        if self.waits_for(now_s):
            return RobotState.WAITING
        if self.episodes.running:
            return RobotState.ACTING
        return RobotState.HOMING if self._coming_home else RobotState.STARTING

    def tick(self, now_s: float) -> ControlOutput:
        """
        Run one control period.

        :param now_s: monotonic time
        """
        if trouble := self._trouble(now_s):
            self._recover(trouble, now_s)
        tick = self._next(now_s)
        self._deadlines.tick(now_s)
        if tick.command is not None:
            self._motion.command(tick.command.velocity, now_s)
        return tick

    def _trouble(self, now_s: float) -> str:
        """Return why the present motion must stop; empty if it may continue."""
        if missing := self.missing(now_s):
            return f'nothing on {listed(missing)}'
        if self.moving and (trouble := self._deadlines.stood_still(now_s)):
            return trouble
        acting = self.episodes.running and not self.episodes.waiting
        return self._deadlines.silent(now_s) if acting else ''

    def _recover(self, trouble: str, now_s: float) -> None:
        """Stop after a failure; the parameter ``recovery`` decides whether the goal is retried."""
        if not self.moving and self._parameters.recovery == Recovery.AUTOMATIC:
            return  # until the goal expires
        if not self.moving and self.goals.waiting is None:
            return
        self.problem = f'gave up: {trouble}'
        if self._parameters.recovery == Recovery.AUTOMATIC:
            self.goals.try_again(trouble)
            self._deadlines.goal(now_s)
        self._stop(trouble, now_s, drop_goals=self._parameters.recovery == Recovery.LATCHED)

    def _next(self, now_s: float) -> ControlOutput:
        if self.goals.waiting is not None or self.episodes.waiting:
            self._expire(now_s)
        if not self.missing(now_s):
            if not self.moving and self.goals.waiting is not None:
                self._begin(now_s)
            if self.episodes.running:
                return self._act(now_s)
            if self._coming_home:
                return ControlOutput(command=self._come_home(now_s))
        return ControlOutput(
            command=self._commands.standing() if now_s < self._stop_until_s else None
        )

    def _expire(self, now_s: float) -> None:
        # A goal that waits for the end of a running episode does not expire.
        busy = self.moving and not self.episodes.waiting
        awaited = 'the policy' if self.episodes.waiting else 'the robot'
        if not busy and (trouble := self._deadlines.expired(now_s, awaited)):
            self.problem = f'gave up: {trouble}'
            self._stop(trouble, now_s)

    def _begin(self, now_s: float) -> None:
        self.problem = ''
        if self._parameters.home:
            self.goals.take()
            self._homing.begin(self.observer.object_position, now_s)
            self._coming_home = True
        else:
            self._start(now_s)

    def _start(self, now_s: float) -> None:
        self._deadlines.goal(now_s)
        self.observer.begin()
        self.episodes.start(self.goals.act().position)

    def _come_home(self, now_s: float) -> Command:
        try:
            velocity = self._homing.velocity(self.kinematics.grip_position, now_s)
        except RobotError as error:
            self.problem = str(error)
            self._stop(self.problem, now_s)
            return self._commands.standing()
        if velocity is None:
            self._coming_home = False
            self._start(now_s)
            return self._commands.standing()
        return self._commands.homing(velocity)

    def _act(self, now_s: float) -> ControlOutput:
        was_answered, was_waiting = self.episodes.answered, self.episodes.waiting
        rows = self.episodes.show(self.observer.observe(now_s))
        if not self.episodes.running:
            self._stop_until_s = now_s + _STOP_S
            self._deadlines.goal(now_s)
            self.goals.end(bool(rows['is_success'][0]), self._result(rows))
            return ControlOutput(rows, self._commands.standing())
        if was_answered:
            # The last command stays in effect until the next action arrives within milliseconds.
            return ControlOutput(rows)
        self.unanswered += not was_waiting
        return ControlOutput(rows, self._commands.standing())

    def _result(self, rows: Rows) -> str:
        row = rows[0]
        distance = float(self._task.distance(row['achieved_goal'], row['desired_goal']))
        return f'{100 * distance:.1f} cm from it after {row["step"]} steps'

    def halt(self, reason: str, now_s: float) -> Command | None:
        """
        Abandon the present episode and all goals.

        :param reason: text for the events of the goals
        :param now_s: monotonic time
        :return: the command to stand still, or None if the robot does not move
        """
        was_moving = self.moving
        self._stop(reason, now_s)
        return self._commands.standing() if was_moving else None

    def _stop(self, reason: str, now_s: float, drop_goals: bool = True) -> None:
        if self.moving:
            self._stop_until_s = now_s + _STOP_S
        self.episodes.abandon()
        self._coming_home = False
        if drop_goals:
            self.goals.give_up(reason)

    def answer(self, answers: Rows, now_s: float) -> Command | None:
        """
        Convert the action for the present state to a command.

        :param answers: ``action`` rows
        :param now_s: monotonic time
        :return: the command, or None if no row answers the present state
        :raises RowError: if an action is not finite
        """
        if self._deadlines.stood_still(now_s):
            return None  # the present state is too old to act on
        action = self.episodes.accept(answers)
        if action is None:
            return None
        self._deadlines.answer(now_s)
        command = self._commands.acting(action)
        self._motion.command(command.velocity, now_s)
        return command
