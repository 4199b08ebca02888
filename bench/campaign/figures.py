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

"""Figures with limits, the result of every section of the fault campaign."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
import sys
from typing import NamedTuple


class Scale(Enum):
    """How much of a section runs."""

    #: seconds, in ``make test``
    SMALL = 'small'
    #: about a minute per section, ``make bench-faults``
    SHORT = 'short'
    #: the counts of the published table, up to an hour per section
    LONG = 'long'


@dataclass(frozen=True)
class Figure:
    """
    One measured value.

    :param key: name in the ``key=value`` line, with its unit as a suffix
    :param limit: the largest value that passes; None: the value is shown only
    """

    key: str
    value: float
    limit: float | None = None

    @property
    def passed(self) -> bool:
        """Return whether the value is within its limit."""
        return self.limit is None or self.value <= self.limit


class Fault(NamedTuple):
    """Something that went wrong in a case."""

    #: what a figure counts
    kind: str
    text: str

    def __str__(self) -> str:
        """Return the kind and the text."""
        return f'{self.kind}: {self.text}'


def or_gave_up(key: str, measure: Callable[[], Iterable[Figure]]) -> list[Figure]:
    """
    Measure; return a figure that fails if something was waited for in vain.

    :param key: how the name of that figure begins
    """
    try:
        return list(measure())
    except TimeoutError as error:
        print(f'{key}: gave up: {error}', file=sys.stderr)
        return [Figure(f'{key}_gave_up', 1, 0)]
