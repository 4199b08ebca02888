"""Bags that recorders announced but that are not in the folder of the run."""

import time
from collections.abc import Callable
from typing import NamedTuple

# A folder that several machines share shows a new file within a minute (acdirmax of nfs(5)).
_PATIENCE_S = 90.0
# Number of announced bags remembered.
_MOST = 10_000


class _Hint(NamedTuple):
    name: str
    heard_at: float


class Hints:
    """Compares announcements on ``episodes`` with the bags that were found.

    :param is_found: whether a bag was found, by its name
    """

    def __init__(self, is_found: Callable[[str], bool]) -> None:
        self._is_found = is_found
        self._waiting: list[_Hint] = []

    def heard(self, name: str) -> None:
        """Take an announcement."""
        if len(self._waiting) < _MOST and not self._is_found(name):
            self._waiting.append(_Hint(name, time.monotonic()))

    def trouble(self) -> str:
        """Return a text about bags that did not come in time; empty if there are none."""
        now = time.monotonic()
        self._waiting = [each for each in self._waiting if not self._is_found(each.name)]
        late = [each for each in self._waiting if now - each.heard_at > _PATIENCE_S]
        if not late:
            return ''
        return (
            f'{len(late)} recorded bags are not in bags/, such as {late[0].name!r}; its recorder'
            ' writes into another folder: give its worker the same folder as the trainer'
        )
