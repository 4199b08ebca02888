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

"""Bags that recorders announced but that are not in the folder of the run."""

from collections.abc import Callable
import re
import time

# A folder that several machines share shows a new file within a minute (acdirmax of nfs(5)).
_PATIENCE_S = 90.0
# A missing bag is reported for this time, then forgotten.
_REPORTED_S = 300.0
# Number of announced bags remembered.
_MOST = 10_000

# Time, worker, session and number of a rollout; see RolloutRecorder.
_NAME = re.compile(r'\d{8}T\d{6}_w\d{3}_[0-9a-f]{8}_\d{6,19}\.mcap', re.ASCII)


def is_rollout_name(name: str) -> bool:
    """Return whether a name is one that a recorder gives to a file."""
    return bool(_NAME.fullmatch(name))


class Hints:
    """
    Compares announcements on ``rollout_recorded`` with the bags that were found.

    :param is_found: whether a bag was found, by its name
    """

    def __init__(self, is_found: Callable[[str], bool]) -> None:
        self._is_found = is_found
        #: time of the first announcement of each bag that was not found, in this order
        self._heard_at: dict[str, float] = {}

    def heard(self, name: str) -> None:
        """Take an announcement; what is no name of a recorded rollout is ignored."""
        is_new = name not in self._heard_at and len(self._heard_at) < _MOST
        if is_new and is_rollout_name(name) and not self._is_found(name):
            self._heard_at[name] = time.monotonic()

    def trouble(self) -> str:
        """
        Return a text about bags that did not come in time; empty if there are none.

        A bag that never comes is mentioned for some minutes.
        """
        now = time.monotonic()
        self._heard_at = {
            name: heard_at
            for name, heard_at in self._heard_at.items()
            if now - heard_at <= _PATIENCE_S + _REPORTED_S and not self._is_found(name)
        }
        late = [name for name, heard_at in self._heard_at.items() if now - heard_at > _PATIENCE_S]
        if not late:
            return ''
        return (
            f'{len(late)} recorded bags are not in bags/, such as {late[0]!r}; its recorder'
            ' writes into another folder: give its worker the same folder as the trainer'
        )
