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

import pickle
import subprocess
import sys
import warnings

import gymnasium
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
import her_ros.sim  # noqa: F401 (registers)
from her_ros.sim.errors import SimError
from her_ros.sim.gym_vector import FetchVectorEnv
import numpy as np
import pytest


def assert_same(ours, theirs):
    assert type(ours) is type(theirs) or np.isscalar(ours)
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(ours, theirs)
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype or np.isscalar(ours)


def test_passes_gymnasiums_own_check(task):
    env = gymnasium.make(f'her_ros/{task.name}')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        # Positions have no bounds, in the original neither.
        warnings.filterwarnings('ignore', message='.*infinity.*')
        check_env(env.unwrapped, skip_render_check=True)


def test_one_environment_is_the_original(task, original):
    ours, theirs = gymnasium.make(f'her_ros/{task.name}'), original(task)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    generator = np.random.default_rng(0)
    for seed in (11, None):
        assert_same(ours.reset(seed=seed), theirs.reset(seed=seed))
        truncated = False
        while not truncated:
            action = generator.uniform(-1, 1, 4).astype(np.float32)
            step = ours.step(action)
            assert_same(step, theirs.step(action))
            truncated = step[3]
    goals = generator.uniform(0, 0.1, (2, 7, 3))
    assert_same(
        ours.unwrapped.compute_reward(*goals, {}), theirs.unwrapped.compute_reward(*goals, {})
    )


def test_the_batch_is_a_sync_vector_env_of_the_original(task, original):
    ours = gymnasium.make_vec(f'her_ros/{task.name}', num_envs=3, threads=2)
    theirs = SyncVectorEnv([lambda: original(task)] * 3)
    assert isinstance(ours.unwrapped, FetchVectorEnv)
    assert ours.metadata['autoreset_mode'] is AutoresetMode.NEXT_STEP
    for name in ('observation', 'action', 'single_observation', 'single_action'):
        assert getattr(ours, f'{name}_space') == getattr(theirs, f'{name}_space')
    assert_same(ours.reset(seed=21), theirs.reset(seed=21))
    generator = np.random.default_rng(0)
    for step in range(2 * task.episode_length + 5):
        if step == 30:  # from now on the environments end their episodes at different times
            for each in (ours, theirs):
                mask = np.array([False, True, False])
                observation, _ = each.reset(seed=[None, 5, 6], options={'reset_mask': mask})
            assert_same(ours.unwrapped._batch.state()._asdict(), observation)
        actions = generator.uniform(-1.5, 1.5, (3, 4)).astype(np.float32)
        assert_same(ours.step(actions), theirs.step(actions))
    assert_same(ours.reset(seed=[1, 2, 3]), theirs.reset(seed=[1, 2, 3]))
    assert_same(ours.reset(), theirs.reset())


@pytest.mark.parametrize('mode', AutoresetMode)
def test_every_autoreset_mode_is_as_in_a_sync_vector_env(mode):
    ours = gymnasium.make_vec('her_ros/FetchReach', 3, autoreset_mode=mode, max_episode_steps=6)
    theirs = SyncVectorEnv(
        [lambda: gymnasium.make('her_ros/FetchReach', max_episode_steps=6)] * 3,
        autoreset_mode=mode,
    )
    assert ours.metadata == theirs.metadata
    assert_same(ours.reset(seed=5), theirs.reset(seed=5))
    generator = np.random.default_rng(0)
    for step in range(20):
        if step == 3:
            mask = np.array([False, True, False])
            both = [e.reset(options={'reset_mask': mask}) for e in (ours, theirs)]
            assert_same(*both)
        actions = generator.uniform(-1, 1, (3, 4)).astype(np.float32)
        found, wanted = ours.step(actions), theirs.step(actions)
        assert_same_final(found[4].pop('final_obs', None), wanted[4].pop('final_obs', None))
        assert_same(found, wanted)
        if mode is AutoresetMode.DISABLED and found[3].any():
            assert_same(
                *(e.reset(options={'reset_mask': wanted[3].copy()}) for e in (ours, theirs))
            )
    for each in (ours, theirs):
        each.close()
        assert each.closed


def test_without_autoreset_an_episode_that_is_over_takes_no_step():
    envs = gymnasium.make_vec(
        'her_ros/FetchReach', 2, autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=1
    )
    envs.reset(seed=0)
    envs.step(np.zeros((2, 4), np.float32))
    envs.reset(options={'reset_mask': np.array([True, False])})
    with pytest.raises(gymnasium.error.ResetNeeded, match=r'\[1\] are over; reset them first'):
        envs.step(np.zeros((2, 4), np.float32))


def assert_same_final(ours, theirs):
    assert (ours is None) == (theirs is None)
    for one, other in zip(
        ours if ours is not None else (), theirs if theirs is not None else (), strict=True
    ):
        assert (one is None) == (other is None)
        if one is not None:
            assert_same(one, other)


@pytest.fixture
def both():
    ours = gymnasium.make_vec('her_ros/FetchReach', num_envs=3)
    return ours, SyncVectorEnv([lambda: gymnasium.make('her_ros/FetchReach')] * 3)


def test_seeds_are_reported_as_by_sync_vector_env(both):
    ours, theirs = both
    drawn = ours.np_random_seed
    assert len(set(drawn)) == 3
    for seed in (5, [1, None, 3], None):
        for each in both:
            each.reset(seed=seed)
        told = [ours.np_random_seed, theirs.np_random_seed]
        assert told[0] == told[1]
    # A seed that was drawn repeats the episode, too.
    fresh, again = (gymnasium.make_vec('her_ros/FetchReach', num_envs=3) for _ in range(2))
    seeds = list(fresh.np_random_seed)
    assert_same(fresh.reset()[0], again.reset(seed=seeds)[0])


@pytest.mark.parametrize('seed', [[1, 2], [1, 2, 3, 4], [], -1, [1, -2, 3], 1.5, 'abcd'])
def test_wrong_seeds_are_refused_as_in_a_sync_vector_env(both, seed):
    kinds = []
    for each in both:
        with pytest.raises(Exception) as error:  # noqa: PT011 (which one, is what is compared)
            each.reset(seed=seed)
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


@pytest.mark.parametrize(
    'mask',
    [[True, False, True], np.ones(2, bool), np.zeros(3, bool), np.ones(3), np.ones((3, 1), bool)],
    ids=repr,
)
def test_wrong_masks_are_refused_as_in_a_sync_vector_env(both, mask):
    for each in both:
        each.reset(seed=0)
    kinds = []
    for each in both:
        with pytest.raises((TypeError, ValueError), match='reset_mask') as error:
            each.reset(options={'reset_mask': mask})
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_options_that_there_are_not_are_refused(both):
    mask = np.array([True, False, False])
    options = {'reset_mask': mask}
    both[0].reset(options=options)
    assert options == {'reset_mask': mask}  # the caller's stay
    for env in (both[0], gymnasium.make('her_ros/FetchReach').unwrapped):
        with pytest.raises(SimError, match="'goal'"):
            env.reset(options={'goal': 1})
        env.reset(options={})


@pytest.mark.parametrize('make', [gymnasium.make, gymnasium.make_vec])
def test_a_pickled_copy_behaves_alike(make):
    arguments = {} if make is gymnasium.make else {'num_envs': 2, 'autoreset_mode': 'SameStep'}
    env = make('her_ros/FetchReach', **arguments).unwrapped
    copy = pickle.loads(pickle.dumps(env))
    assert copy.metadata == env.metadata
    assert_same(copy.reset(seed=3), env.reset(seed=3))
    action = np.ones(env.action_space.shape, np.float32)
    assert_same(copy.step(action), env.step(action))


def test_unseeded_environments_differ(task):
    envs = gymnasium.make_vec(f'her_ros/{task.name}', num_envs=2)
    goals = envs.reset()[0]['desired_goal']
    assert (goals[0] != goals[1]).any()
    assert len(set(map(id, envs.unwrapped.np_random))) == 2


def test_the_time_limit_can_be_changed(task):
    envs = gymnasium.make_vec(f'her_ros/{task.name}', num_envs=2, max_episode_steps=3)
    envs.reset(seed=0)
    truncated = [envs.step(np.zeros((2, 4), np.float32))[3].tolist() for _ in range(4)]
    assert truncated == [[False] * 2, [False] * 2, [True] * 2, [False] * 2]


@pytest.mark.parametrize(
    ('statement', 'absent'),
    [
        ('import her_ros.sim', {'mujoco', 'gymnasium_robotics', 'torch', 'rclpy'}),
        (
            "import her_ros.sim, gymnasium; gymnasium.make_vec('her_ros/FetchReach')",
            {'gymnasium_robotics', 'torch', 'rclpy'},
        ),
    ],
)
def test_loads_no_more_than_it_needs(statement, absent):
    code = f'{statement}; import sys; print(*sys.modules)'
    ran = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert 'her_ros.sim' in loaded
    assert not loaded & absent
