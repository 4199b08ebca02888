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

"""Check goals against the region that the policy was trained for, and queue and track them."""

from typing import NamedTuple

from her_ros.arms.placement import placement_of
from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Floats
from her_ros.runtime.states import GoalStatus
from her_ros.tasks.goal_task import GoalTask
import numpy as np

#: largest distance of a goal from the region that training draws from, metres
_MARGIN_M = 0.05


class GoalRegion:
    """The box that training draws goals from, and the goal in it for a point of a user."""

    def __init__(self, task: GoalTask) -> None:
        placement = placement_of(task)
        scene_spec = placement.scene_spec
        centre = placement.start_m + np.array(scene_spec.goal_shift_m)
        self.least = centre - scene_spec.goal_range_m
        self.greatest = centre + scene_spec.goal_range_m
        self._has_object = scene_spec.object_start_m is not None
        if self._has_object:
            self.least[2] = scene_spec.object_height_m
            self.greatest[2] = scene_spec.object_height_m + scene_spec.goal_height_m

    def goal(self, point: Floats) -> Floats:
        """
        Return the goal for a point.

        A point on the table, or below its surface, is raised: the goal of an object is the
        position of its centre, which is at the height of objects on the table.

        :param point: metres, world frame, shape (3,)
        :raises RobotError: if it lies outside of the region that the policy was trained for
        """
        goal = np.array(point, np.float64)
        if self._has_object:
            on_table = self.least[2] == self.greatest[2]
            goal[2] = self.least[2] if on_table else max(goal[2], self.least[2])
        inside = (goal >= self.least - _MARGIN_M) & (goal <= self.greatest + _MARGIN_M)
        if not inside.all():
            raise RobotError(
                f'goal {goal.round(3).tolist()} lies outside of what the policy was trained for',
                f'send one from {self.least.round(3).tolist()} to'
                f' {self.greatest.round(3).tolist()}, metres, world frame',
            )
        return goal


class GoalEvent(NamedTuple):
    """A change of the state of a goal."""

    #: stamp of the goal message, nanoseconds since 1970; identifies the goal
    stamp_ns: int
    state: GoalStatus
    #: reason, or distance, as a short text
    text: str


class Goal(NamedTuple):
    """A goal that was accepted."""

    #: metres, world frame, shape (3,)
    position: Floats
    #: see :class:`GoalEvent`
    stamp_ns: int


class GoalQueue:
    """The goal of the present episode and the goal of the next; at most one goal waits."""

    def __init__(self, task: GoalTask) -> None:
        self._region = GoalRegion(task)
        #: the goal accepted last, which a reset repeats
        self.last: Goal | None = None
        #: the goal of the next episode
        self.waiting: Goal | None = None
        #: the goal of the present episode
        self.current: Goal | None = None
        self._events: list[GoalEvent] = []

    def add(self, point: Floats, stamp_ns: int, text: str) -> None:
        """
        Accept a goal for the next episode; it replaces one that waits.

        :param text: text of the event: what happens next
        :raises RobotError: if the policy was not trained for it
        """
        goal = Goal(self._region.goal(point), stamp_ns)
        if self.waiting is not None:
            self._note(self.waiting, GoalStatus.GIVEN_UP, 'replaced by another goal')
        self.last = self.waiting = goal
        self._note(goal, GoalStatus.ACCEPTED, text)

    def refuse(self, stamp_ns: int, reason: str) -> None:
        """Note that a goal is not accepted."""
        self._events.append(GoalEvent(stamp_ns, GoalStatus.REFUSED, reason))

    def again(self) -> None:
        """
        Repeat the last goal in the next episode.

        :raises RobotError: if there was none
        """
        if self.last is None:
            raise RobotError('there is no goal yet', 'publish one')
        self.waiting = self.last

    def take(self) -> None:
        """Prepare for the goal that waits."""
        if self.current is not None and self.waiting is not None:
            self._note(self.current, GoalStatus.GIVEN_UP, 'replaced by another goal')
        self.current, self.waiting = self.waiting or self.current, None

    def act(self) -> Goal:
        """Start the episode of the last goal."""
        self.take()
        assert self.current is not None
        self._note(self.current, GoalStatus.ACTING, 'the policy is asked')
        return self.current

    def end(self, reached: bool, text: str) -> None:
        """End the present episode."""
        if self.current is not None:
            self._note(self.current, GoalStatus.REACHED if reached else GoalStatus.MISSED, text)
        self.current = None

    def give_up(self, reason: str) -> None:
        """Drop the present goal and the one that waits."""
        for goal in (self.current, self.waiting):
            if goal is not None:
                self._note(goal, GoalStatus.GIVEN_UP, reason)
        self.current = self.waiting = None

    def try_again(self, reason: str) -> None:
        """Give up the present episode and keep its goal for another attempt."""
        self.waiting, self.current = self.waiting or self.current, None
        if self.waiting is not None:
            self._note(self.waiting, GoalStatus.ACCEPTED, f'{reason}; it begins again')

    def _note(self, goal: Goal, state: GoalStatus, text: str) -> None:
        self._events.append(GoalEvent(goal.stamp_ns, state, text))

    def events(self) -> list[GoalEvent]:
        """Return the events since the last call."""
        events, self._events = self._events, []
        return events
