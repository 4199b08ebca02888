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

"""How far a training is: its phase, its evaluations, its stop rule and its limit."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from her_ros.runtime.states import WaitsFor
from her_ros.view.reports import finite, number

_BARS = '▁▂▃▄▅▆▇█'
# Evaluations that the curve shows, and columns of the bar.
_CURVE, _BAR = 20, 10


def curve(rates: Sequence[float], columns: int = _CURVE) -> str:
    """
    Return success rates as a small curve, with the last one as a number.

    :param columns: how many of the last ones it shows
    """
    if not rates:
        return 'none yet'
    shown = rates[-columns:]
    last = len(_BARS) - 1
    bars = ''.join(_BARS[max(0, min(int(rate * len(_BARS)), last))] for rate in shown)
    return f'{bars} {shown[-1]:.2f}'


class StopRule(NamedTuple):
    """What ends a training."""

    #: success rate that an evaluation must reach
    success_rate: float
    #: how many of them in a row
    evaluations: int
    #: the limit, after which it ends in any case
    env_steps: int


class TrainingProgress:
    """Shows the last report of the trainer, which is of all starts of its run."""

    def __init__(self, stop: StopRule) -> None:
        self._stop = stop
        self._values: Mapping[str, str] = {}

    def take(self, values: Mapping[str, str]) -> None:
        """Take a report of the trainer."""
        self._values = values

    def rows(self) -> dict[str, str]:
        """Return what is shown, by name."""
        return {
            'phase': self._phase(),
            'evaluations': curve([*map(finite, self._values.get('success_rates', '').split())]),
            'stop rule': self._rule(),
            'limit': self._limit(),
        }

    def _phase(self) -> str:
        if not self._values:
            return 'starting'
        if self._values.get('waits_for') == WaitsFor.EVALUATION:
            return 'evaluating'
        return 'learning' if number(self._values, 'updates') else 'first rollouts'

    def _rule(self) -> str:
        stop = self._stop
        in_a_row = self._values.get('reached_in_a_row', '0')
        times = f', {in_a_row} of {stop.evaluations} times' if stop.evaluations > 1 else ''
        best = self._values.get('best_success_rate', '')
        start = f'best {finite(best):.2f} of' if best else 'at'
        return f'{start} {stop.success_rate:.2f}{times}'

    def _limit(self) -> str:
        steps, seconds = (max(0.0, number(self._values, key)) for key in ('env_steps', 'wall_s'))
        share = min(1.0, steps / self._stop.env_steps)
        filled = round(share * _BAR)
        bar = '█' * filled + '░' * (_BAR - filled)
        left_s = seconds * (1.0 - share) / share if share else 0.0
        return f'{bar} {share:.0%}' + (f', {_in_words(left_s)}' if share else '')


def _in_words(seconds: float) -> str:
    """Return a duration in one unit."""
    if seconds < 60:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 6000 else f'{seconds / 3600:.0f} h'
