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

"""Choose which steps of a running graph are shown: as they come, or one episode at a time."""

from collections.abc import Sequence
from typing import NamedTuple

from her_ros.wire.rows import Rows

# Steps that come faster than this share of the control period are a training's.
_FAST = 0.5
# Steps after which this is judged.
_JUDGED_AFTER = 10


class LiveStep(NamedTuple):
    """One step of one environment."""

    #: when it was sent, by the clock of its sender
    stamp_ns: int
    #: shape (1,)
    row: Rows

    @property
    def number(self) -> int:
        """Its place in the episode, counted from 0."""
        return int(self.row['step'][0])

    @property
    def is_last(self) -> bool:
        """Whether the episode ends with it."""
        return bool(self.row['truncated'][0] or self.row['terminated'][0])


class LiveEpisode:
    """
    The episode that is shown.

    Steps at the speed of a robot are shown as they come. A training makes hundreds per second, so
    one of its episodes is taken as a whole, then played at the speed of a robot, then the next one
    is taken. Which of both it is follows from the stamps of the steps, since their arrival depends
    on the network and on what else this process does. It is judged anew in each episode.

    :param control_period_s: of the task
    """

    def __init__(self, control_period_s: float) -> None:
        self._control_period_s = control_period_s
        #: of the present episode, in their order
        self.steps: list[LiveStep] = []
        #: whether they come faster than a robot moves
        self.is_fast = False
        self._shown, self._is_playing = -1, False

    @property
    def is_playing(self) -> bool:
        """Whether an episode that was taken is played, so that no more steps are needed."""
        return self._is_playing

    def take(self, steps: Sequence[LiveStep]) -> None:
        """Add steps that came; while an episode is played, they are dropped."""
        for step in steps:
            if self._is_playing:
                return
            if self.steps and step.number <= self.steps[-1].number:
                self.steps, self._shown = [], -1
            self.steps.append(step)
            self._judge()
            # An episode that was met on its way is not played, as its start is missing.
            if self.is_fast and step.is_last and self.steps[0].number == 0:
                self._shown, self._is_playing = -1, True

    def next_shown(self) -> int | None:
        """Return the place of the step that is shown now; None: none is new."""
        if self._is_playing:
            self._shown += 1
            self._is_playing = self._shown < len(self.steps) - 1
            return self._shown
        newest = len(self.steps) - 1
        if self.is_fast or newest == self._shown:
            return None
        self._shown = newest
        return newest

    def _judge(self) -> None:
        first, last = self.steps[0], self.steps[-1]
        count, took_ns = last.number - first.number, last.stamp_ns - first.stamp_ns
        # Some senders do not stamp; what they send is shown as it comes.
        if count >= _JUDGED_AFTER:
            self.is_fast = 0 < took_ns < 1e9 * _FAST * self._control_period_s * count
