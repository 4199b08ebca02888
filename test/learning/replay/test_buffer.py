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

from collections import Counter
import contextlib
import dataclasses
import io

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.episode_rows import ReplayError
from her_ros.learning.replay.moves import moves_on
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.wire.rows import disturbed_step_dtype, with_truth
import numpy as np
import pytest
import torch

with contextlib.redirect_stderr(io.StringIO()):  # it warns about environments of other robots
    from gymnasium_robotics.envs.fetch.fetch_env import MujocoFetchEnv

#: the largest float64 below 1
ALMOST_ONE = 1 - 2**-53


def noise_of(count, seed=0, device='cpu'):
    return SampleNoise.random(count, torch.Generator(device).manual_seed(seed))


def new_replay(task, capacity, device='cpu', **parameters):
    return Replay(task, LearnerParameters(replay_capacity=capacity, **parameters), device)


def filled(task, episodes, device='cpu', capacity=1000, **parameters):
    replay = new_replay(task, capacity, device, **parameters)
    for episode in episodes:
        replay.add(episode)
    return replay


def literal_batch(task, episodes, share, noise):
    """Sample HER's transitions in the plain way: sample by sample, episode by episode."""
    transitions = [(episode, t) for episode in episodes for t in range(len(episode))]
    numbers = zip(
        noise.transition.tolist(),
        noise.relabel.tolist(),
        noise.future.tolist(),
        strict=True,
    )
    samples = []
    for which, relabel, future in numbers:
        episode, t = transitions[int(which * len(transitions))]
        goal, steps_to_goal = episode.desired_goal, 0
        if relabel < share:
            later = range(t + 1, len(episode) + 1)
            goal_at = later[int(future * len(later))]
            goal, steps_to_goal = episode.achieved_goal[goal_at], goal_at - t
        reached = np.linalg.norm(episode.achieved_goal[t + 1] - goal) <= task.goal_tolerance_m
        sample = {
            'observation': episode.observation[t].astype(np.float32),
            'achieved_goal': episode.achieved_goal[t],
            'action': episode.action[t],
            'next_observation': episode.observation[t + 1].astype(np.float32),
            'next_achieved_goal': episode.achieved_goal[t + 1],
            'goal': goal,
            'reward': np.float32(0 if reached else -1),
            'terminated': episode.terminated[t],
            'steps_to_goal': np.int64(steps_to_goal),
        }
        samples.append(sample)
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def assert_equal(batch, literal):
    there = {name for name, values in vars(batch).items() if values is not None}
    assert there - {'row', 'weight'} == set(literal)
    for name, values in literal.items():
        np.testing.assert_array_equal(getattr(batch, name).cpu().numpy(), values, strict=True)


def every_transition(replay, device='cpu', seed=0):
    """Return SampleNoise that selects each stored transition once, and any goals."""
    count = len(replay)
    each = (torch.arange(count, dtype=torch.float64, device=device) + 0.5) / count
    return dataclasses.replace(noise_of(count, seed, device), transition=each)


class Kept:
    """
    What a buffer must hold, kept in a plain list: the newest episodes, whole.

    An episode of T moves takes T + 2 rows in one piece: T + 1 states and the desired goal.
    """

    def __init__(self, capacity):
        self.capacity, self.next_row = capacity, 0
        self.placed = []

    def add(self, episode):
        rows = len(episode) + 2
        first = self.next_row
        if first + rows > self.capacity:
            self.placed = [(begin, each) for begin, each in self.placed if begin < first]
            first = 0
        self.placed = [
            (begin, each)
            for begin, each in self.placed
            if begin + len(each) + 2 <= first or begin >= first + rows
        ]
        self.placed.append((first, episode))
        self.next_row = first + rows

    @property
    def episodes(self):
        return [episode for _, episode in self.placed]


def test_transitions_and_future_goals_follow_the_exact_distribution(toy, make_episode, device):
    """A transition is uniform over all, its goal uniform over t + 1 … T, never t itself."""
    lengths = (1, 3, 7)
    episodes = [make_episode(toy, length, number) for number, length in enumerate(lengths)]
    for number, episode in enumerate(episodes):
        # A goal says of which episode and step it is; -1 is the desired one.
        episode.rows['achieved_goal'][:, 0] = number
        episode.rows['achieved_goal'][:, 1] = np.arange(len(episode) + 1)
        episode.rows['desired_goal'] = number, -1
    count = 200_000
    batch = filled(toy, episodes, device).sample(noise_of(count, device=device))
    number, t = batch.achieved_goal.cpu().long().T.tolist()
    goal_number, goal_index = batch.goal.cpu().long().T.tolist()
    assert goal_number == number
    found = Counter(zip(number, t, goal_index, strict=True))
    expected = {}
    for number, length in enumerate(lengths):
        for t in range(length):
            probability = 1 / sum(lengths)
            expected[number, t, -1] = count * probability * 0.2
            for goal_index in range(t + 1, length + 1):
                expected[number, t, goal_index] = count * probability * 0.8 / (length - t)
    assert set(found) == set(expected)
    chi_square = sum((found[key] - expected[key]) ** 2 / expected[key] for key in expected)
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    freedom = len(expected) - 1
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_the_last_draw_selects_the_last_transition(toy, make_episode):
    episodes = [make_episode(toy, length, length) for length in (3, 4, 5, 6)]
    for count in range(1, 5):
        kept = episodes[:count]
        edge = torch.tensor([0.0, ALMOST_ONE], dtype=torch.float64)
        noise = SampleNoise(edge, edge, edge)
        batch = filled(toy, kept).sample(noise)
        np.testing.assert_array_equal(batch.action[0], kept[0].action[0])
        np.testing.assert_array_equal(batch.action[1], kept[-1].action[-1])
        np.testing.assert_array_equal(batch.goal[0], kept[0].achieved_goal[1])
        np.testing.assert_array_equal(batch.goal[1], kept[-1].desired_goal)


@pytest.mark.parametrize(('k', 'share'), [(0, 0), (1, 1 / 2), (4, 4 / 5), (8, 8 / 9)])
def test_k_of_k_plus_one_samples_are_relabelled(toy, make_episode, device, k, share):
    episode = make_episode(toy, 10)
    count = 100_000
    batch = filled(toy, [episode], device, her_k=k).sample(noise_of(count, device=device))
    desired = torch.from_numpy(episode.desired_goal.copy()).to(device)
    relabelled = (batch.goal != desired).any(-1).sum().item()
    # four standard deviations of a binomial count
    assert abs(relabelled - count * share) <= 4 * (count * share * (1 - share)) ** 0.5


@pytest.mark.parametrize('task', FETCH_TASKS.values(), ids=FETCH_TASKS)
def test_rewards_equal_the_environments_own(make_episode, device, task):
    env = MujocoFetchEnv.__new__(MujocoFetchEnv)
    env.distance_threshold, env.reward_type = 0.05, 'sparse'
    episodes = [make_episode(task, 50, number) for number in range(20)]
    batch = filled(task, episodes, device, 2000).sample(noise_of(20_000, device=device))
    goals = batch.next_achieved_goal.cpu().numpy(), batch.goal.cpu().numpy()
    expected = env.compute_reward(*goals, {})
    assert 0.1 < (expected == 0).mean() < 0.9
    np.testing.assert_array_equal(batch.reward.cpu().numpy(), expected, strict=True)


def test_goals_that_were_not_relabelled_have_the_recorded_reward(toy, make_episode, device):
    episodes = [make_episode(toy, 10, number) for number in range(20)]
    replay = filled(toy, episodes, device, her_k=0)
    rewards = replay.sample(every_transition(replay, device)).reward.cpu().numpy()
    recorded = np.concatenate([episode.reward for episode in episodes])
    assert 0.1 < (recorded == 0).mean() < 0.9
    np.testing.assert_array_equal(rewards, recorded, strict=True)


@pytest.mark.parametrize('goal_size', [1, 2, 3, 6])
def test_the_vectorised_sampler_equals_the_literal_loop(
    make_task, make_episode, device, goal_size
):
    task = make_task(goal_size, observation_size=7)
    lengths = (5, 1, 12, 3, 50, 2, 2, 9)
    episodes = [
        make_episode(task, length, number, terminated=number % 2 == 0)
        for number, length in enumerate(lengths)
    ]
    noise = noise_of(3000, seed=goal_size, device=device)
    batch = filled(task, episodes, device).sample(noise)
    assert_equal(batch, literal_batch(task, episodes, 0.8, noise))


@pytest.mark.parametrize('capacity', [60, 101, 256])
def test_the_buffer_holds_the_newest_episodes_and_nothing_else(toy, make_episode, capacity):
    """Every transition is looked at after every add, over many turns of the ring."""
    random = np.random.default_rng(capacity)
    replay, kept, arrived, dropped = new_replay(toy, capacity), Kept(capacity), [], 0
    for number in range(150):
        # Now and then one that fills the whole buffer.
        length = capacity - 2 if number % 50 == 40 else int(random.integers(1, 25))
        episode = make_episode(toy, length, number)
        first = replay.add(episode)
        kept.add(episode)
        arrived.append(episode)
        dropped += len(kept.episodes) < len(arrived)
        count = len(kept.episodes)
        assert kept.episodes == arrived[-count:]
        assert first == kept.placed[-1][0]
        assert replay.episodes == len(kept.episodes)
        assert len(replay) == sum(map(len, kept.episodes))
        noise = every_transition(replay, seed=number)
        assert_equal(replay.sample(noise), literal_batch(toy, kept.episodes, 0.8, noise))
        noise = noise_of(50, seed=number)
        assert_equal(replay.sample(noise), literal_batch(toy, kept.episodes, 0.8, noise))
    assert dropped > 100


@pytest.mark.parametrize('capacity', [200, 1000])
def test_room_is_used(toy, make_episode, capacity):
    """Whatever the order: only the end of the table and one cut episode are lost."""
    random = np.random.default_rng(capacity)
    replay, arrived = new_replay(toy, capacity), []
    for number in range(300):
        arrived.append(int(random.integers(1, 21)))
        replay.add(make_episode(toy, arrived[-1], number))
        # Rows of the newest episodes that surely fit: 22 are the most that either loss takes.
        rows, fitting = 0, 0
        for length in reversed(arrived):
            rows += length + 2
            if rows > capacity - 2 * 22:
                break
            fitting += 1
        assert replay.episodes >= fitting


def test_after_eviction_transitions_are_still_uniform(toy, make_episode, device):
    replay, kept = new_replay(toy, 50, device), Kept(50)
    for number, length in enumerate((20, 3, 11, 20, 2, 7, 14, 1, 5)):
        episode = make_episode(toy, length, number)
        replay.add(episode)
        kept.add(episode)
    assert len(kept.episodes) in range(3, 8)
    count = 100_000
    actions = replay.sample(noise_of(count, device=device)).action[:, 0].tolist()
    found = Counter(actions)
    stored = [action for each in kept.episodes for action in each.action[:, 0].tolist()]
    assert set(found) == set(stored)
    expected = count / len(stored)
    chi_square = sum((number - expected) ** 2 / expected for number in found.values())
    # A chi-square of k degrees of freedom has the mean k and the variance 2 k.
    freedom = len(stored) - 1
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_one_episode_is_gathered_once_and_in_order(toy, make_episode, device):
    episodes = [make_episode(toy, length, length) for length in (4, 9, 6)]
    replay = new_replay(toy, 1000, device)
    first_rows = [replay.add(episode) for episode in episodes]
    for first_row, episode in zip(first_rows, episodes, strict=True):
        noise = noise_of(len(episode), device=device)
        batch = replay.sample_episode(first_row, len(episode), noise)
        each = (torch.arange(len(episode), dtype=torch.float64) + 0.5) / len(episode)
        in_order = SampleNoise(each, noise.relabel.cpu(), noise.future.cpu())
        assert_equal(batch, literal_batch(toy, [episode], 0.8, in_order))


@pytest.mark.parametrize('share', [0.1, 0.35, 0.6])
def test_the_ends_of_what_is_drawn_pick_the_newest(toy, make_episode, moving, device, share):
    episodes = [moving(make_episode(toy, 10, i), [0] * 10 + [2]) for i in range(3)]
    replay = filled(toy, episodes, device, motion_fraction=share)
    newest = episodes[-1].action[-1, 0]
    ends = torch.tensor([np.nextafter(share, 0), ALMOST_ONE], dtype=torch.float64, device=device)
    batch = replay.sample(SampleNoise(ends, ends, ends))
    assert batch.action[:, 0].tolist() == [newest, newest]


@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
def test_a_share_of_the_samples_comes_from_before_moves(toy, make_episode, moving, device, share):
    random, capacity = np.random.default_rng(0), 200
    replay, kept = new_replay(toy, capacity, device, motion_fraction=share), Kept(capacity)
    for number in range(40):
        length = int(random.integers(3, 15))
        steps = np.zeros(length + 1)
        if number % 3:
            steps[random.integers(1, length + 1)] = 1.5
        episode = moving(make_episode(toy, length, number), steps)
        replay.add(episode)
        kept.add(episode)
    count, all_of_them = 50_000, sum(map(len, kept.episodes))
    before = [moves_on(each.achieved_goal, toy)[:-1] for each in kept.episodes]
    listed = sum(int(each.sum()) for each in before)
    assert 0 < listed < all_of_them
    found = Counter(replay.sample(noise_of(count, device=device)).action[:, 0].tolist())
    for episode, which in zip(kept.episodes, before, strict=True):
        for action, is_before in zip(episode.action[:, 0].tolist(), which, strict=True):
            expected = (1 - share) / all_of_them + (share / listed if is_before else 0.0)
            deviation = (expected * (1 - expected) / count) ** 0.5
            assert abs(found[action] / count - expected) <= 5 * deviation


def test_while_nothing_has_moved_all_is_drawn_from(toy, make_episode, moving, device):
    episodes = [moving(make_episode(toy, 10, i), np.zeros(11)) for i in range(3)]
    replay = filled(toy, episodes, device, motion_fraction=0.5)
    actions = replay.sample(noise_of(2000, device=device)).action[:, 0].tolist()
    assert set(actions) == {a for each in episodes for a in each.action[:, 0].tolist()}


@pytest.mark.parametrize('motion_fraction', [0.0, 0.5])
def test_past_goals_are_desired_goals_of_stored_episodes(
    toy, make_episode, device, motion_fraction
):
    replay = new_replay(
        toy, 60, device, her_k=2, her_past_goal_k=2, motion_fraction=motion_fraction
    )
    kept = Kept(60)
    for number, length in enumerate((10, 3, 11, 20, 2, 7, 14, 5, 9)):
        episode = make_episode(toy, length, number)
        replay.add(episode)
        kept.add(episode)
    count = 50_000
    noise = noise_of(count, device=device)
    goals = [tuple(goal) for goal in replay.sample(noise).goal.tolist()]
    relabel = noise.relabel.tolist()
    desired = [tuple(episode.desired_goal.tolist()) for episode in kept.episodes]
    past = Counter(g for g, u in zip(goals, relabel, strict=True) if 0.4 <= u < 0.8)
    assert set(past) == set(desired)
    expected = sum(past.values()) / len(desired)
    chi_square = sum((number - expected) ** 2 / expected for number in past.values())
    freedom = len(desired) - 1
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5
    achieved = {tuple(g) for each in kept.episodes for g in each.achieved_goal[1:].tolist()}
    assert {g for g, u in zip(goals, relabel, strict=True) if u < 0.4} <= achieved
    assert {g for g, u in zip(goals, relabel, strict=True) if u >= 0.8} == set(desired)


def test_sampling_changes_nothing_that_is_stored(toy, make_episode):
    replay = filled(toy, [make_episode(toy, 10, number) for number in range(5)])
    noise = noise_of(100)
    before = replay.sample(noise)
    replay.sample(noise_of(1000, seed=1)).goal.fill_(0)
    after = replay.sample(noise)
    for name, values in vars(before).items():
        assert values is None or torch.equal(values, getattr(after, name)), name


def test_the_buffer_does_not_depend_on_the_callers_memory(toy, make_episode):
    episode = make_episode(toy, 10)
    replay = filled(toy, [episode])
    noise = noise_of(100)
    literal = literal_batch(toy, [episode], 0.8, noise)
    episode.rows['achieved_goal'] = 0
    episode.rows['observation'] = 0
    assert_equal(replay.sample(noise), literal)


def test_read_only_views_of_a_file_are_stored(toy, make_episode):
    rows = make_episode(toy, 10).rows
    view = np.frombuffer(rows.tobytes(), rows.dtype)
    episode = type(make_episode(toy, 1))(view)
    noise = noise_of(100)
    batch = filled(toy, [episode]).sample(noise)
    assert_equal(batch, literal_batch(toy, [episode], 0.8, noise))


def test_an_episode_that_just_fits_is_stored_and_a_longer_one_refused(toy, make_episode):
    replay = new_replay(toy, 100)
    replay.add(make_episode(toy, 98))
    assert len(replay) == 98
    with pytest.raises(
        ReplayError, match='episode of 99 steps needs 101 rows, and replay_capacity is 100'
    ):
        replay.add(make_episode(toy, 99))
    assert len(replay) == 98


def test_an_empty_buffer_has_nothing_to_sample(toy):
    with pytest.raises(ReplayError, match='empty'):
        new_replay(toy, 100).sample(noise_of(1))


def test_draws_are_independent_uniform_and_follow_their_generator(device):
    noise = noise_of(50_000, device=device)
    numbers = torch.stack([noise.transition, noise.relabel, noise.future]).cpu()
    assert numbers.dtype == torch.float64
    assert numbers.min() >= 0
    assert numbers.max() < 1
    # The mean of n uniform numbers deviates by 1 / sqrt(12 n), a correlation by 1 / sqrt(n).
    assert (numbers.mean(1) - 0.5).abs().max() < 4 / (12 * 50_000) ** 0.5
    correlations = torch.corrcoef(numbers) - torch.eye(3, dtype=torch.float64)
    assert correlations.abs().max() < 4 / 50_000**0.5
    assert torch.equal(noise_of(50_000, device=device).future, noise.future)
    assert not torch.equal(noise_of(50_000, seed=1, device=device).future, noise.future)


def disturbed(episode, task, noise=1.0):
    """Return an episode whose seen values lie away from the truth."""
    rows = with_truth(episode.rows, disturbed_step_dtype(task))
    for name in ('observation', 'achieved_goal'):
        random = np.random.default_rng(len(name))
        rows[name] += random.normal(scale=noise, size=rows[name].shape)
    return Episode(rows)


@pytest.mark.parametrize('truth', ['rewards', 'critic'])
def test_goals_and_rewards_of_disturbed_episodes_never_see_noise(toy, make_episode, truth):
    plain = [make_episode(toy, length, length) for length in (3, 20, 8)]
    episodes = [disturbed(episode, toy) for episode in plain]
    noise = noise_of(500)
    batch = filled(toy, episodes, truth=truth).sample(noise)
    literal = literal_batch(toy, episodes, 0.8, noise)
    exact = literal_batch(toy, plain, 0.8, noise)
    for name in ('goal', 'reward', 'achieved_goal', 'next_achieved_goal', 'steps_to_goal'):
        np.testing.assert_array_equal(getattr(batch, name).numpy(), exact[name])
    for name in ('observation', 'next_observation', 'action'):
        np.testing.assert_array_equal(getattr(batch, name).numpy(), literal[name])
    assert (literal['observation'] != exact['observation']).any()
    seen = {
        e.seen_achieved_goal[t].astype('f4').tobytes() for e in episodes for t in range(len(e))
    }
    assert {row.tobytes() for row in batch.seen_achieved_goal.numpy()} <= seen
    if truth == 'critic':
        for name in ('observation', 'next_observation'):
            found = {'observation': batch.true_observation,
                     'next_observation': batch.next_true_observation}[name]  # fmt: skip
            np.testing.assert_array_equal(found.numpy(), exact[name])
    else:
        assert batch.true_observation is None


def test_undisturbed_episodes_show_critics_what_was_seen(toy, make_episode):
    batch = filled(toy, [make_episode(toy, 20)], truth='critic').sample(noise_of(50))
    assert torch.equal(batch.true_observation, batch.observation)
    assert torch.equal(batch.next_seen_achieved_goal, batch.next_achieved_goal.float())


def test_a_disturbed_episode_is_refused_where_the_truth_is_not_used(toy, make_episode):
    with pytest.raises(ReplayError, match='disturbed episode, and truth is none; set truth to'):
        new_replay(toy, 100).add(disturbed(make_episode(toy, 20), toy))
