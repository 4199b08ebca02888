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

"""Our vector environment for Stable-Baselines3, beside SB3's own; skipped where it is missing."""

import importlib.util
from pathlib import Path

import gymnasium
import her_ros.sim  # noqa: F401 (registers)
from her_ros.sim.errors import SimError
import numpy as np
import pytest

sb3 = pytest.importorskip('stable_baselines3', reason='stable-baselines3 is not installed')


def same(found, expected):
    return all(np.array_equal(found[name], values) for name, values in expected.items())


def test_it_does_what_sb3s_own_vector_environment_does():
    from her_ros.adapters.sb3 import Sb3VecEnv
    from stable_baselines3.common.vec_env import DummyVecEnv

    ours = Sb3VecEnv('FetchReach', num_envs=2)
    theirs = DummyVecEnv([lambda: gymnasium.make('her_ros/FetchReach')] * 2)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.seed(5) == theirs.seed(5)
    assert same(ours.reset(), theirs.reset())
    random = np.random.default_rng(0)
    for step in range(1, 103):
        actions = random.uniform(-1, 1, (2, 4)).astype(np.float32)
        found, expected = ours.step(actions), theirs.step(actions)
        assert same(found[0], expected[0])
        for ours_is, theirs_is in zip(found[1:3], expected[1:3], strict=True):
            np.testing.assert_array_equal(ours_is, theirs_is)
            assert ours_is.dtype == theirs_is.dtype
        assert found[2].all() == (step % 50 == 0)
        for told, wanted in zip(found[3], expected[3], strict=True):
            assert told.keys() == wanted.keys()
            assert told['is_success'] == wanted['is_success']
            assert told['TimeLimit.truncated'] == wanted['TimeLimit.truncated']
            if 'terminal_observation' in wanted:
                assert same(told['terminal_observation'], wanted['terminal_observation'])
    goals = random.normal(size=(2, 7, 3))
    (paid,), (wanted,) = (
        each.env_method('compute_reward', *goals, {}, indices=[0]) for each in (ours, theirs)
    )
    np.testing.assert_array_equal(paid, wanted)
    assert ours.env_is_wrapped(gymnasium.Wrapper) == [False, False]
    ours.set_options({'colour': 'red'})
    with pytest.raises(SimError, match='there are none'):
        ours.reset()


@pytest.fixture
def example():
    path = Path(__file__).parents[2] / 'examples' / 'sb3_fetch_reach.py'
    spec = importlib.util.spec_from_file_location('example', path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def test_the_example_acts_and_learns_from_relabelled_goals(example):
    model = example.train(1000)
    # SB3 samples from 800 steps on; then one update per step
    assert model._n_updates == 200
    assert model.get_vec_normalize_env().obs_rms['observation'].count > 1000
    assert 0.0 <= example.success_rate(model, episodes=4) <= 1.0


@pytest.mark.slow
def test_the_example_learns_by_sb3s_own_her(example):
    assert example.success_rate(example.train()) > 0.9
