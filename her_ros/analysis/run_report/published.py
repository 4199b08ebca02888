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

"""The published results of the tasks: the table of README.md."""

from typing import NamedTuple


class Published(NamedTuple):
    """Published result of a task's parameter file: medians of three seeds on two cores."""

    success_rate: float
    #: until evaluations reached that success rate
    env_steps: int
    wall_clock: str
    #: of the shipped policy
    success_of_1000: float


PUBLISHED = {
    'FetchReach': Published(0.99, 800, '2 s', 1.0),
    'FetchPush': Published(0.95, 23_000, '51 s', 0.999),
    'FetchPickAndPlace': Published(0.90, 42_000, '88 s', 0.998),
    'FetchSlide': Published(0.75, 470_000, '23 min', 0.846),
}
