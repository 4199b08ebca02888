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

from dataclasses import replace

from her_ros.bags.reader import read_bag
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.learning.training.checkpoint import save_checkpoint
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from her_ros.view.browser.learner_analysis import hindsight_goals, LearnerAnalysis
import numpy as np
import pytest

TASK = task_named('FetchReach')


@pytest.fixture
def episodes(recorded_run):
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    return read_bag(bag).episodes


@pytest.mark.parametrize('strategy', ['future', 'final', 'episode'])
def test_goals_are_states_that_the_episode_reached(episodes, strategy):
    parameters = LearnerParameters(her_strategy=strategy, symmetry_left_right=1.0)
    episode = episodes[0]
    goals = hindsight_goals(parameters, TASK, episode, episodes[1:])
    assert goals.shape == (40, 50, 3)
    distances = np.linalg.norm(goals[:, :, None] - episode.achieved_goal[None, None], axis=-1)
    # One in a thousand keeps its own goal.
    is_own = (goals == episode.desired_goal).all(-1)
    assert is_own.mean() < 0.01
    assert distances.min(-1)[~is_own].max() < 1e-6
    steps = distances.argmin(-1)
    if strategy == 'future':
        assert (steps > np.arange(50))[~is_own].all()
    if strategy == 'final':
        assert (steps == 50)[~is_own].all()


def test_without_a_run_there_is_no_value_and_a_note_says_so(episodes):
    view = LearnerAnalysis(None, TASK).look(episodes[0], episodes[1:])
    assert view.goals is not None
    assert view.value is None
    assert 'the run is not known' in view.note


def test_values_are_those_of_the_critics_in_the_checkpoint(episodes, recorded_run):
    run = RunFolder(recorded_run)
    parameters = LearnerParameters(device='cpu', relative_goals=True, hidden_sizes=(16, 16))
    settings = 'relative_goals: true, hidden_sizes: [16, 16], task: FetchReach, device: cpu'
    run.params.write_text(f'/**/trainer:\n  ros__parameters: {{{settings}}}\n')
    lens = LearnerAnalysis(run, TASK)
    missing = lens.look(episodes[0], [])
    assert missing.value is None
    assert 'has no checkpoint' in missing.note
    learner = Learner(TASK, parameters)
    learner.ingest(episodes)
    save_checkpoint(run.checkpoint, {'learner': learner.state_dict()})
    view = lens.look(episodes[0], [])
    assert view.note == ''
    batch = learner.replay.sample_episode(0, 50, _no_relabelling())
    inputs = learner.inputs(batch)
    kept = (batch.goal == batch.goal[0]).all(1).numpy()
    values = learner.algorithm.values(
        learner.agent.online.critic, inputs.state, inputs.action
    ).mean(0)
    assert kept.all()
    np.testing.assert_allclose(view.value, values.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_the_critic_is_read_again_only_when_the_checkpoint_changed(episodes, recorded_run):
    run = RunFolder(recorded_run)
    settings = 'hidden_sizes: [8], task: FetchReach, device: cpu, her.past_goal_k: 1'
    run.params.write_text(f'/**/trainer:\n  ros__parameters: {{{settings}}}\n')
    analysis, seen = LearnerAnalysis(run, TASK), []
    for seed in (1, 1, 2):
        learner = Learner(TASK, LearnerParameters(device='cpu', hidden_sizes=(8,), seed=seed))
        if seed != 1 or not seen:
            save_checkpoint(run.checkpoint, {'learner': learner.state_dict()})
        view = analysis.look(episodes[0], [])
        assert 'her.past_goal_k' in view.note
        seen.append((analysis._critic[1], view.value))
    assert seen[0][0] is seen[1][0]
    assert not np.array_equal(seen[1][1], seen[2][1])


def _no_relabelling():
    from her_ros.learning.replay.batch import SampleNoise
    import torch

    noise = SampleNoise.random(50, torch.Generator().manual_seed(0))
    return replace(noise, relabel=torch.ones(50))


def test_a_run_without_her_shows_no_goals_of_her(episodes, recorded_run):
    run = RunFolder(recorded_run)
    settings = 'her.k: 0, task: FetchReach, device: cpu'
    run.params.write_text(f'/**/trainer:\n  ros__parameters: {{{settings}}}\n')
    view = LearnerAnalysis(run, TASK).look(episodes[0], episodes[1:])
    assert view.goals is None
    assert 'her.k of this run is 0' in view.note
