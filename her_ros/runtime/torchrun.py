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

"""Environment variables by which torchrun numbers the processes that it starts."""

import os

from her_ros.runtime.errors import HerRosError


def rank_and_count() -> tuple[int, int]:
    """
    Return the number of this process and how many there are; (0, 1) without torchrun.

    :raises HerRosError: if the variables are not those of torchrun
    """
    texts = [os.environ.get('RANK', '0'), os.environ.get('WORLD_SIZE', '1')]
    if not all(text.isdecimal() for text in texts) or int(texts[0]) >= int(texts[1]):
        raise HerRosError(
            f'RANK is {texts[0]!r} and WORLD_SIZE is {texts[1]!r}',
            'start several processes with torchrun, or unset both variables',
        )
    return int(texts[0]), int(texts[1])


def is_restarted() -> bool:
    """Return whether torchrun has started these processes again after a failure."""
    return os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') != '0'
