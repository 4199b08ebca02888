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

"""Rows of episodes in the replay buffer: none overlap, and the oldest make room."""

from her_ros.learning.replay.episode_rows import EpisodeRows, ReplayError, rows_of, StoredEpisode
import numpy as np
import pytest

CAPACITY = 40


def test_stored_episodes_never_overlap_and_the_oldest_are_evicted_first():
    random = np.random.default_rng(0)
    rows, stored = EpisodeRows(CAPACITY), []
    for _ in range(500):
        length = int(random.integers(1, 15))
        has_room = rows.has_room(length)
        first, evicted = rows.make_room(length)
        assert evicted == stored[: len(evicted)]
        assert has_room <= (not evicted)
        count = len(evicted)
        stored = [*stored[count:], StoredEpisode(first, length, 0)]
        rows.append(stored[-1])
        assert len(rows) == len(stored)
        taken = [
            row
            for each in stored
            for row in range(each.first_row, each.first_row + rows_of(each.length))
        ]
        assert len({*taken}) == len(taken)
        assert 0 <= min(taken) <= max(taken) < CAPACITY


def test_an_episode_fits_if_its_states_and_its_goal_do():
    rows = EpisodeRows(CAPACITY)
    rows.check_fits(CAPACITY - 2)
    with pytest.raises(ReplayError, match=r'39 steps needs 41 rows.*raise replay_capacity'):
        rows.check_fits(CAPACITY - 1)
