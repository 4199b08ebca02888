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

"""A list of episodes on a page: filtered, ordered, a few at a time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.colors import GREEN, RED
from her_ros.view.browser.library import Entry
from her_ros.view.browser.text import number

#: episodes that the list shows at a time
ROWS = 8

ALL, MISSED, REACHED = 'all', 'missed', 'reached'
_NEWEST, _OLDEST, _FARTHEST = 'newest first', 'oldest first', 'farthest from its goal first'
_NEWER, _OLDER = '↑', '↓'


class EpisodeList:
    """
    Buttons, one for each episode that is shown.

    :param gui: of viser
    :param callbacks: takes what the list is asked for
    :param choose: called with the episode that was clicked
    """

    def __init__(
        self, gui: Any, callbacks: CallbackQueue, choose: Callable[[Entry], None]
    ) -> None:
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        self._chosen, self._first, self._note = 0, 0, ''
        self._choose = choose
        self._head = gui.add_markdown('')
        self._filter = gui.add_dropdown('Show', (ALL, MISSED, REACHED))
        self._order = gui.add_dropdown('Order', (_NEWEST, _OLDEST, _FARTHEST))
        self._rows = [gui.add_button(f'{i}', visible=False) for i in range(ROWS)]
        # Near the rows: on a phone the head of the page is out of sight while one is tapped.
        self._reason = gui.add_markdown('', visible=False)
        self._pages = gui.add_button_group('More', (_NEWER, _OLDER))
        for place, row in enumerate(self._rows):
            row.on_click(callbacks.defer(partial(self._clicked, place)))
        for each in (self._filter, self._order):
            each.on_update(callbacks.defer(self._top))
        self._pages.on_click(callbacks.defer(self._turn))

    def show(self, entries: Sequence[Entry], note: str = '') -> None:
        """
        Show episodes.

        :param entries: in the order of recording
        :param note: written below their number, such as what could not be read
        """
        self._entries, self._note = entries, note
        self._refresh()

    def mark(self, entry: Entry, reason: str) -> None:
        """
        Mark the episode that is on the stage.

        :param reason: why it ended as it did, written below the list
        """
        self._chosen = entry.number
        self._reason.content = f'**Episode {entry.number}, {entry.outcome}.** {reason}'
        self._reason.visible = True
        self._refresh()

    @property
    def first(self) -> Entry | None:
        """Return the first episode that is shown; None: there is none."""
        return self._shown[0] if self._shown else None

    def _clicked(self, place: int) -> None:
        if place < len(self._shown):
            self._choose(self._shown[place])

    def _turn(self) -> None:
        self._first += -ROWS if self._pages.value == _NEWER else ROWS
        self._refresh()

    def _top(self) -> None:
        self._first = 0
        self._refresh()

    def _sorted(self) -> list[Entry]:
        wanted = {ALL: (True, False), MISSED: (False,), REACHED: (True,)}[self._filter.value]
        found = [each for each in self._entries if each.is_success in wanted]
        if self._order.value == _NEWEST:
            return found[::-1]
        if self._order.value == _FARTHEST:
            return sorted(found, key=lambda each: -each.missed_m)
        return found

    def _refresh(self) -> None:
        found = self._sorted()
        self._first = max(0, min(self._first, (len(found) - 1) // ROWS * ROWS))
        first = self._first
        self._shown = found[first:][:ROWS]
        self._head.content = self._summary(len(found))
        for place, row in enumerate(self._rows):
            row.visible = place < len(self._shown)
            if row.visible:
                entry = self._shown[place]
                row.label = label(entry)
                row.color = GREEN if entry.is_success else RED
                row.icon = 'eye' if entry.number == self._chosen else None

    def _summary(self, found: int) -> str:
        count = len(self._entries)
        if not count:
            return self._note or 'No episode yet.'
        reached = sum(each.is_success for each in self._entries)
        last = self._first + len(self._shown)
        shown = f'{self._first + 1}–{last} of {found}' if found else 'none'
        lines = [
            f'**{count:,} episodes**, {reached:,} reached ({reached / count:.0%})',
            f'shown: {shown}. Click one to see it.',
        ]
        return '<br/>'.join(filter(None, [*lines, self._note]))


def label(entry: Entry) -> str:
    """Return an episode in one short line."""
    mark = '✓' if entry.is_success else '✗'
    return (
        f'{mark} {entry.number}  {entry.outcome}  ·  return {number(entry.total_reward)}'
        f'  ·  v{entry.version}'
    )
