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

from her_ros.config.parameters.learner import learner_parameters
from her_ros.episodes.episode import EpisodeError
from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.episode_rows import ReplayError
from her_ros.learning.replay_buffer import ReplayBuffer
from her_ros.runtime.seeds import integer_seed
from her_ros.tasks.errors import TaskError
import pytest
import torch


@pytest.mark.parametrize(
    ('values', 'spec'),
    [
        ({}, NoiseSpec()),
        ({'curriculum_enabled': True, 'curriculum_candidates': 3}, NoiseSpec(3)),
        ({'symmetry_left_right': 0.5, 'symmetry_offset_m': 0.5}, NoiseSpec(symmetries=True)),
        ({'her_goal_offset_m': 0.5}, NoiseSpec(goal_offsets=True)),
    ],
)
def test_batches_are_those_that_a_learner_of_this_seed_draws(
    toy, symmetric, make_episode, values, spec
):
    task = symmetric(toy)
    parameters = learner_parameters(replay_capacity=100, seed=3, **values)
    episodes = [make_episode(task, 7, number) for number in range(5)]
    buffer, replay = ReplayBuffer(task, parameters), Replay(task, parameters)
    buffer.extend(episodes)
    for episode in episodes:
        replay.add(episode)
    assert (len(buffer), buffer.episodes) == (35, 5)
    generator = torch.Generator().manual_seed(integer_seed(3, 'update'))
    for _ in range(2):
        expected = replay.sample(SampleNoise.random(16, generator, spec))
        found = buffer.sample(16)
        for name, values in vars(expected).items():
            assert values is None or torch.equal(vars(found)[name], values), name


def test_what_cannot_be_stored_or_drawn_is_named(toy, make_task, make_episode):
    buffer = ReplayBuffer(toy, learner_parameters(replay_capacity=100))
    with pytest.raises(ReplayError, match='is empty'):
        buffer.sample(4)
    buffer.add(make_episode(toy, 7))
    with pytest.raises(ReplayError, match='a batch of 0 transitions'):
        buffer.sample(0)
    other = make_task(observation_size=6)
    with pytest.raises(EpisodeError, match='observations have 6 values, Toy has 4'):
        buffer.add(make_episode(other, 7))
    with pytest.raises(TaskError, match="'FetchTea' is unknown"):
        ReplayBuffer('FetchTea')
