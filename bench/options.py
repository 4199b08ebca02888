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

"""Command lines of the benchmarks: numbers with limits, and one line for what does not fit."""

import argparse
from collections.abc import Callable
import math
from typing import Any, NoReturn


class Options(argparse.ArgumentParser):
    """
    Parser whose errors are one line, with exit status 2.

    :param about: docstring of the benchmark; the help shows its first line
    """

    def __init__(self, about: str | None = None, **others: Any) -> None:
        if about is not None:
            others['description'] = about.strip().splitlines()[0]
        super().__init__(**others)

    def error(self, message: str) -> NoReturn:
        """Print the value that does not fit, and end."""
        self.exit(2, f'{self.prog}: {message}\n')


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """
    Return the type of an option that takes whole numbers.

    :param least: smallest value that the benchmark can work with
    :param most: the largest; None: there is none
    """
    limits = f'at least {least}' if most is None else f'from {least} to {most}'

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f'{text!r}: write a whole number, {limits}')
        return value

    return read


def above(limit: float) -> Callable[[str], float]:
    """Return the type of an option that takes finite numbers larger than a limit."""
    return _number(lambda value: limit < value < math.inf, f'above {limit:g}')


def at_least(least: float) -> Callable[[str], float]:
    """Return the type of an option that takes finite numbers from a limit on."""
    return _number(lambda value: least <= value < math.inf, f'at least {least:g}')


def _number(fits: Callable[[float], bool], limits: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise argparse.ArgumentTypeError(f'{text!r}: write a number, {limits}')
        return value

    return read


#: ROS domains whose UDP ports no other domain uses
DOMAIN = whole(0, 101)
SEED = whole(0)
