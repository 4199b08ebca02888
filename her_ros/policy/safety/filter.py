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

"""Safety filter: bounds that every action must keep before it reaches a robot."""

from collections.abc import Sequence

from her_ros.config.parameters.policy import SafetyParameters
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.fetch import FULL_ACTION_M
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.rows import Rows, with_room
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_POSITION, _AXES = 'gripper_position', 3
_BELOW_AND_ABOVE = np.array([1.0, -1.0]).reshape(2, 1, 1)
#: causes of a changed action, in the order in which the bounds are applied
CAUSES = ('not_finite', 'limit', 'ramp', 'change', 'acceleration', 'workspace')


class SafetyError(HerRosError):
    """Bounds that are empty, or a task that they do not apply to."""


def safe_action(task: GoalTask) -> NDArray[np.float32]:
    """Return the action that moves neither gripper nor fingers, shape (A,)."""
    return np.zeros(task.action_size, np.float32)


class SafetyFilter:
    """
    Bounds actions, each environment independently.

    If bounds conflict, the one listed first wins:

    1. *Finite.* An action or a gripper position that is not finite gives the safe action. This is
       a stop: the environment stands still afterwards, and its ramp starts again.
    2. *Workspace.* A component that would move the gripper out of the box is reduced, down to
       zero. It never grows or changes its sign. So outside the box, actions that lead back are
       allowed, and none is forced. The commanded position counts, which a real gripper does not
       fully reach.
    3. *Limit.* No component exceeds ``safety.max_action``, times the share that the ramp allows.
    4. *Change and acceleration* of a component from one action to the next are bounded.

    Limit, change and acceleration always hold together: a change is only as large as can be undone
    before the limit is reached. So an action that is requested repeatedly is reached without
    overshoot. Only a stop and the workspace may brake harder than change and acceleration allow;
    the change of such a component counts as zero afterwards.
    Bounds are relative to the previous output of this filter, not to the requested actions. They
    hold up to float32 rounding; ``safety.max_action`` holds exactly.

    An episode starts from standstill: with its step 0, or where that was lost with its first row.

    :param limits: the bounds
    :raises SafetyError: if the box is empty, or the task does not observe the gripper's position
    """

    def __init__(self, task: GoalTask, limits: SafetyParameters) -> None:
        self._position = _position_in(task)
        self._box = _box(limits.safety_workspace)
        self._limit = _rounded_down(limits.safety_max_action)
        self._max_change = limits.safety_max_action_change
        self._max_acceleration = limits.safety_max_action_acceleration
        self._ramp_actions = max(limits.safety_ramp_s / task.control_period_s, 1.0)
        # By env: the last action, what it changed, the actions since a stop, and the episode.
        components = ('f8', (task.action_size,))
        self._given = np.zeros(
            0,
            [
                ('action', *components),
                ('change', *components),
                ('count', 'i8'),
                ('session', 'u4'),
                ('episode', 'u4'),
            ],
        )
        #: number of actions that were changed
        self.interventions = 0
        self._interventions_by = np.zeros(len(CAUSES), np.int64)

    @property
    def interventions_by(self) -> dict[str, int]:
        """Return the number of interventions by cause; an intervention may have several causes."""
        return dict(zip(CAUSES, self._interventions_by.tolist(), strict=True))

    def restart(self) -> None:
        """Reset all environments to standstill, and restart their ramps."""
        self._given = np.zeros_like(self._given)

    def apply(self, rows: Rows, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Return the bounded actions, shape (n, A).

        :param rows: ``step`` rows that the actions answer, each environment once, shape (n,)
        :param actions: displacement of the gripper in units of 0.05 m per control period, world
            frame, and of the fingers; shape (n, A)
        :raises RowError: if an env is out of range
        """
        if not len(rows):
            return actions.copy()
        position = rows['observation'][:, self._position]
        stops = ~(np.isfinite(actions).all(1) & np.isfinite(position).all(1))
        wanted = np.where(stops[:, None], np.float64(0.0), actions)
        given = self._given_to(rows)
        last = given['action'].copy()
        limit = self._limit * np.minimum(given['count'] / self._ramp_actions, 1.0)[:, None]
        least, greatest = self._reachable(last, given['change'], limit)
        asked = _clip(wanted, -limit, limit)
        steady = _clip(self._approach(last, asked), least, greatest)
        braked = self._within_workspace(steady, position)
        result = braked.astype(np.float32)
        result[stops] = 0.0
        within = (least <= braked) & (braked <= greatest)
        given['change'] = np.where(within, result - last, 0.0)
        given['action'] = result
        given[stops] = 0
        self._given[rows['env']] = given
        if (touched := (result != actions).any(1)).any():
            limited = _clip(wanted, -self._limit, self._limit)
            changed = _clip(asked, last - self._max_change, last + self._max_change)
            stages = (wanted, limited, asked, changed, steady, braked)
            self._count(touched, stops, np.array(stages, np.float32))
        return result

    def _given_to(self, rows: Rows) -> NDArray[np.void]:
        """Return the previous output for each environment, with the next action counted."""
        env = rows['env']
        self._given = with_room(self._given, env)
        given = self._given[env]
        begins = (
            (rows['step'] == 0)
            | (rows['episode'] != given['episode'])
            | (rows['session'] != given['session'])
        )
        given['action'][begins] = 0.0
        given['change'][begins] = 0.0
        given['session'], given['episode'] = rows['session'], rows['episode']
        given['count'] += 1
        return given

    def _reachable(self, last: Values, change: Values, limit: Values) -> tuple[Values, Values]:
        """
        Return the least and the greatest next action that keep bounds 3 and 4.

        :param last: action, and its change, shape (n, A)
        :param limit: of the next action, not less than of the last one, shape (n, 1)
        """
        room = np.maximum(limit + _BELOW_AND_ABOVE * last, 0.0)
        down, up = _largest_change(room, self._max_acceleration)
        least = np.maximum(change - self._max_acceleration, -self._max_change)
        greatest = np.minimum(change + self._max_acceleration, self._max_change)
        # The limit comes last, as it wins where rounding makes the two disagree.
        return last + _clip(least, -down, up), last + _clip(greatest, -down, up)

    def _approach(self, last: Values, asked: Values) -> Values:
        """Return the next action on the way to a requested one, without overshoot."""
        way = asked - last
        distance = np.abs(way)
        slower = last + np.copysign(_largest_change(distance, self._max_acceleration), way)
        return np.where(distance <= self._max_acceleration, asked, slower)

    def _within_workspace(self, actions: Values, position: Values) -> Values:
        least, greatest = self._box
        with np.errstate(over='ignore'):  # a position far beyond any box may become infinite
            lowest = np.minimum((least - position) / FULL_ACTION_M, 0.0)
            highest = np.maximum((greatest - position) / FULL_ACTION_M, 0.0)
        actions = actions.copy()
        actions[:, :_AXES] = _clip(actions[:, :_AXES], lowest, highest)
        return actions

    def _count(
        self, touched: NDArray[np.bool], stops: NDArray[np.bool], stages: NDArray[np.float32]
    ) -> None:
        """
        Count the interventions and their causes.

        :param touched: which actions were changed, shape (n,)
        :param stops: which actions were stopped because they are not finite, shape (n,)
        :param stages: actions before and after each of the other causes, as float32, in which a
            bound that binds nothing leaves no rounding; shape (6, n, A)
        """
        self.interventions += int(np.count_nonzero(touched))
        self._interventions_by[0] += np.count_nonzero(touched & stops)
        parts = (stages[1:] != stages[:-1]).any(2) & touched & ~stops
        self._interventions_by[1:] += parts.sum(1)


def _clip(values: Values, least: Values | float, greatest: Values | float) -> Values:
    """Clip like np.clip, but much faster for few values."""
    return np.minimum(np.maximum(values, least), greatest)


def _largest_change(room: Values, max_acceleration: float) -> Values:
    """
    Return the largest change that can be undone before a limit is passed.

    A change d that shrinks by the acceleration A in each period moves the component by
    d + (d - A) + (d - 2A) + … until nothing is left; n terms make n d - A n (n - 1) / 2. This must
    be the room there is, with the n for which d lies between (n - 1) A and n A.

    :param room: up to the limit, not negative, any shape
    """
    terms = np.ceil((np.sqrt(1.0 + 8.0 / max_acceleration * room) - 1.0) / 2.0)
    terms = np.maximum(terms, 1.0)
    return room / terms + max_acceleration / 2.0 * (terms - 1.0)


def _position_in(task: GoalTask) -> slice:
    if dict(task.observation_fields).get(_POSITION) == _AXES <= task.action_size:
        return task.observation_slices[_POSITION]
    raise SafetyError(
        f'its observation has no {_POSITION} of {_AXES} values, so the workspace cannot be kept',
        'in simulation, run it with deployment false, as simulate.launch.py does',
        source=task.name,
    )


def _box(workspace: Sequence[float]) -> tuple[Values, Values]:
    least, greatest = np.array(workspace, np.float64).reshape(2, _AXES)
    for axis, low, high in zip('xyz', least, greatest, strict=True):
        if not low < high:
            raise SafetyError(
                f'safety.workspace: its least {axis} is {low:g}, its greatest {high:g}',
                'the least must be below the greatest (order: least x, y, z, then greatest)',
            )
    return least, greatest


def _rounded_down(limit: float) -> float:
    """Return the largest float32 that is not above the limit."""
    rounded = np.float32(limit)
    if float(rounded) > limit:
        rounded = np.nextafter(rounded, np.float32(0.0))
    return float(rounded)
