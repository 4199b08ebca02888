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

"""The part of a page that plays an episode: step, play and pause, speed."""

from collections.abc import Callable
import time
from typing import Any

from her_ros.view.browser.callback_queue import CallbackQueue

# A page that is moved while it plays may show an older step; after this rest it is told the right
# one, seconds.
_REST_S = 0.3


class Playback:
    """
    Which step of an episode is shown, and whether it goes on by itself.

    :param gui: of viser
    :param show: called when another step is to be shown
    """

    def __init__(self, gui: Any, callbacks: CallbackQueue, show: Callable[[], None]) -> None:
        self._show = show
        #: whether the next step is shown after a control period
        self.is_playing = True
        #: number of moves of the episode; 0: there is none
        self.length = 0
        self._told_at: float | None = None
        self._step = gui.add_slider('Step', 0, 1, 1, 0)
        self._play = gui.add_button('Pause', icon='player-pause')
        self._speed = gui.add_slider(
            'Speed', 0.1, 2.0, 0.1, 1.0, hint='1: as fast as it was recorded'
        )
        self._step.on_update(callbacks.defer_for_user(self._scrub))
        self._play.on_click(callbacks.defer(self._pause_or_play))

    @property
    def step(self) -> int:
        """Return the step that is shown, 0 … length."""
        # A page may still send a step of a longer episode that was shown before.
        return min(int(self._step.value), self.length)

    @property
    def speed(self) -> float:
        """1: as fast as it was recorded."""
        return float(self._speed.value)

    def begin(self, length: int) -> None:
        """Play an episode of so many moves from its start."""
        self.length, self._step.max, self._step.value = length, length, 0
        self._set_playing(True)

    def end(self) -> None:
        """Have no episode any more."""
        self.length = 0

    def advance(self) -> None:
        """Go to the next step, if it plays and there is one."""
        if self._told_at is not None and time.monotonic() >= self._told_at:
            self._tell_step()
        if self.is_playing and self.step < self.length:
            self._step.value = self.step + 1
            self._show()

    def _scrub(self) -> None:
        if not self.length:
            return
        self._set_playing(False)
        self._told_at = time.monotonic() + _REST_S
        self._show()

    def _tell_step(self) -> None:
        """Send the step to all pages; viser sends only values that differ from the last one."""
        self._told_at, step = None, self.step
        self._step.value = step - 1 if step else 1
        self._step.value = step

    def _pause_or_play(self) -> None:
        at_end = self.step >= self.length
        if at_end:
            self._step.value = 0
        self._set_playing(at_end or not self.is_playing)

    def _set_playing(self, is_playing: bool) -> None:
        self.is_playing = is_playing
        self._play.label = 'Pause' if is_playing else 'Play'
        self._play.icon = 'player-pause' if is_playing else 'player-play'
