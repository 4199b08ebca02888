"""What a robot does next: wait, come home, or act for an episode."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from her_ros.core.robot_parameters import RobotBridgeParameters
from her_ros.core.rows import Rows
from her_ros.core.task import GoalTask
from her_ros.robot.episodes import RobotEpisodes
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats, Frames
from her_ros.robot.goals import GoalRegion
from her_ros.robot.homing import Homing
from her_ros.robot.kinematics import FetchKinematics
from her_ros.robot.observer import Observer
from her_ros.robot.prediction import CommandedMotion
from her_ros.robot.units import TwistUnits
from her_ros.sim.model import load_model
from her_ros.sim.setups import setup_of

# The arm is told to stand still for so long; then nobody commands it.
_STOP_S = 0.5
# Fingers open by at most this much each.
_FINGER_RANGE_M = (0.0, 0.05)


class Command(NamedTuple):
    """What to tell the robot for one control period."""

    #: of the gripper, m/s, world frame, shape (3,)
    velocity: Floats
    #: positions of right and left finger, metres, shape (2,)
    fingers: Floats


class Tick(NamedTuple):
    """What comes of one control period."""

    #: the ``step`` row to ask the policy with, shape (1,)
    rows: Rows | None = None
    command: Command | None = None


class RobotControl:
    """Runs episodes on a robot, one call per control period and one per answer.

    An episode begins with a new goal, or when it is asked for; then the gripper first comes home.
    Whenever there is no action for the present state the robot is told to stand still.

    :param frames: know where the robot stands
    :param session: drawn anew whenever a bridge starts
    """

    def __init__(
        self, task: GoalTask, parameters: RobotBridgeParameters, frames: Frames, session: int
    ) -> None:
        p = parameters
        self.units = TwistUnits(p, frames)
        self._speed_mps = p.full_action_speed_mps
        self._timeout_s = p.input_timeout_s
        self._home = p.home
        self._fingers_closed = setup_of(task).fingers_closed
        model = load_model(task)
        self._start_fingers = np.clip(model.start_qpos[model.finger_qpos], *_FINGER_RANGE_M)
        self._fingers = self._start_fingers  # as last commanded
        self.kinematics = FetchKinematics(task, frames.base)
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
        self._homing = Homing(
            setup_of(task), self.kinematics.start_grip_position, p.full_action_speed_mps
        )
        self._coming_home = False
        self._region = GoalRegion(task)
        self.goal: Floats | None = None
        self._wanted = False
        self._stop_until_s = -np.inf
        #: states that came too late, or not at all, to be answered
        self.unanswered = 0
        self.problem = ''

    def set_goal(self, point: Floats) -> None:
        """Keep a goal; an episode for it begins when the present one has ended.

        One that has not yet begun, as the policy has not answered, is for this goal then.

        :param point: metres, world frame, shape (3,)
        :raises RobotError: if the policy was not trained for it
        """
        self.goal = self._region.goal(point)
        self._wanted = True
        if self.episodes.waiting:
            self._start()

    def reset(self) -> None:
        """End the present episode with its next state, and begin another for the same goal.

        :raises RobotError: if there is no goal yet
        """
        if self.goal is None:
            raise RobotError('there is no goal yet; publish one')
        self.episodes.end()
        self._wanted = True

    def state(self, now_s: float) -> str:
        """Say in a few words what goes on."""
        if missing := self.observer.missing(now_s, self._timeout_s):
            return f'waits for {" and ".join(missing)}'
        if self.episodes.waiting:
            return 'waits for the policy'
        if self.episodes.running:
            return 'acting'
        if self._coming_home:
            return 'coming home'
        return 'about to begin' if self._wanted else 'waits for a goal'

    def tick(self, now_s: float) -> Tick:
        """Go on by one control period.

        :param now_s: monotonic time
        """
        tick = self._next(now_s)
        if tick.command is not None:
            self._motion.command(tick.command.velocity, now_s)
        return tick

    def _next(self, now_s: float) -> Tick:
        if missing := self.observer.missing(now_s, self._timeout_s):
            return self._without(missing, now_s)
        if not (self.episodes.running or self._coming_home) and self._wanted:
            self._begin(now_s)
        if self.episodes.running:
            return self._act(now_s)
        if self._coming_home:
            return Tick(command=self._come_home(now_s))
        return Tick(command=self._stand_still() if now_s < self._stop_until_s else None)

    def _without(self, missing: list[str], now_s: float) -> Tick:
        if self.halt() is not None:
            self._stop_until_s = now_s + _STOP_S
            self.problem = f'gave up: nothing on {" and ".join(missing)}'
        return Tick(command=self._stand_still() if now_s < self._stop_until_s else None)

    def _begin(self, now_s: float) -> None:
        self._wanted = False
        self.problem = ''
        if self._home:
            self._homing.begin(self.observer.object_position, now_s)
            self._coming_home = True
        else:
            self._start()

    def _start(self) -> None:
        assert self.goal is not None
        self._wanted = False
        self.observer.begin()
        self.episodes.start(self.goal)

    def _come_home(self, now_s: float) -> Command:
        try:
            velocity = self._homing.velocity(self.kinematics.grip_position, now_s)
        except RobotError as error:
            self._coming_home = False
            self._stop_until_s = now_s + _STOP_S
            self.problem = str(error)
            return self._stand_still()
        if velocity is None:
            self._coming_home = False
            self._start()
            return self._stand_still()
        self._fingers = self._start_fingers
        return Command(self.units.followed(velocity), self._fingers)

    def _act(self, now_s: float) -> Tick:
        was_answered, was_waiting = self.episodes.answered, self.episodes.waiting
        rows = self.episodes.show(self.observer.observe(now_s))
        if not self.episodes.running:
            self._stop_until_s = now_s + _STOP_S
            return Tick(rows, self._stand_still())
        if was_answered:
            # The last action holds on until the next one is here, a few milliseconds from now.
            return Tick(rows)
        self.unanswered += not was_waiting
        return Tick(rows, self._stand_still())

    def halt(self) -> Command | None:
        """Give up what goes on; return the command to stand still, if the robot moves."""
        if not (self.episodes.running or self._coming_home):
            return None
        self.episodes.abandon()
        self._coming_home = self._wanted = False
        return self._stand_still()

    def answer(self, answers: Rows, now_s: float) -> Command | None:
        """Turn the answer to the present state into a command.

        :param answers: ``action`` rows
        :param now_s: monotonic time
        :return: None where none of them answers it
        :raises RowError: if an action is not finite
        """
        action = self.episodes.accept(answers)
        if action is None:
            return None
        command = self._command(action)
        self._motion.command(command.velocity, now_s)
        return command

    def _command(self, action: NDArray[np.float32]) -> Command:
        velocity = self.units.followed(action[:3].astype(np.float64) * self._speed_mps)
        if not self._fingers_closed:
            # As in training: sent from where they are by so many metres, which is farther than
            # they can go, so that all but the smallest actions open or close them.
            fingers = self.kinematics.finger_position + action[3]
            self._fingers = np.clip(fingers, *_FINGER_RANGE_M)
        return Command(velocity, self._fingers)

    def _stand_still(self) -> Command:
        """Hold the arm where it is, and what is in the fingers in them."""
        return Command(np.zeros(3), self._fingers)
