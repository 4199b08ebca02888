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

from her_ros.tasks.registry import task_named
from her_ros.view.browser.live_episode import LiveEpisode, LiveStep
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest

DTYPE = step_dtype(task_named('FetchReach'))
PERIOD_S, LENGTH = 0.04, 20


def steps(period_s, begin_s=1.0, first=0):
    """Return an episode whose steps have stamps with this period."""
    rows = np.zeros(LENGTH, DTYPE)
    rows['step'] = np.arange(LENGTH)
    rows['truncated'][-1] = True
    return [
        LiveStep(round(1e9 * (begin_s + period_s * i)), rows[i:][:1]) for i in range(first, LENGTH)
    ]


def shown(episode):
    """Return what is shown until nothing is new, as numbers of steps."""
    found = []
    while (place := episode.next_shown()) is not None:
        found.append(episode.steps[place].number)
    return found


def test_steps_of_a_robot_are_shown_as_they_come():
    episode = LiveEpisode(PERIOD_S)
    for _ in range(2):
        for step in steps(PERIOD_S):
            episode.take([step])
            assert shown(episode) == [step.number]
            assert not episode.is_playing


def test_a_burst_of_a_robots_messages_is_no_training():
    episode = LiveEpisode(PERIOD_S)
    episode.take(steps(PERIOD_S))  # all at once, after the network stood still
    assert not episode.is_fast
    assert shown(episode) == [LENGTH - 1]


def test_an_episode_of_a_training_is_played_from_its_start():
    episode = LiveEpisode(PERIOD_S)
    episode.take(steps(0.002))
    assert episode.is_playing
    episode.take(steps(0.002, 2.0))  # dropped
    assert shown(episode) == [*range(LENGTH)]
    assert not episode.is_playing


def test_an_episode_of_a_training_without_its_start_is_not_played():
    episode = LiveEpisode(PERIOD_S)
    episode.take(steps(0.002, first=5))
    assert episode.is_fast
    assert shown(episode) == []
    episode.take(steps(0.002, 2.0))
    assert shown(episode) == [*range(LENGTH)]


@pytest.mark.parametrize('period_s', [PERIOD_S, 0.0])
def test_after_a_training_a_robot_is_shown_as_it_moves(period_s):
    episode = LiveEpisode(PERIOD_S)
    episode.take(steps(0.002))
    shown(episode)
    for step in steps(period_s, 2.0):
        episode.take([step])
    assert not episode.is_fast
    assert shown(episode) == [LENGTH - 1]
