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

import copy
import dataclasses

from her_ros.arms.model import load_model
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import NoiseSpec, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.symmetries import reflections, Transformation
from her_ros.tasks.fetch import FETCH_TASKS
from her_ros.tasks.registry import TASKS
from her_ros.tasks.symmetry import Kind, Symmetries, SymmetryError
import numpy as np
import pytest
from symmetries import compare, SCRIPTS, SYMMETRIES, Symmetry
import torch

ALL = {'symmetry_left_right': 0.5, 'symmetry_front_back': 0.5, 'symmetry_offset_m': 0.1}
LEFT_RIGHT, FRONT_BACK, *OFFSETS = SYMMETRIES
PUSH = TASKS['FetchPush']


def filled(make_episode, parameters, task=PUSH, episodes=10, device='cpu', **changes):
    replay = Replay(task, parameters(**changes), device)
    for number in range(episodes):
        replay.add(make_episode(task, 10, number))
    return replay


def noise_of(count, symmetries=True, seed=0, device='cpu'):
    generator = torch.Generator(device).manual_seed(seed)
    return SampleNoise.random(count, generator, NoiseSpec(symmetries=symmetries))


def with_numbers(noise, *numbers):
    """Give all samples the same numbers for symmetries."""
    each = torch.tensor(numbers, dtype=torch.float64, device=noise.relabel.device)
    return dataclasses.replace(noise, symmetry=each[:, None].expand(4, len(noise.relabel)))


def values_of(batch):
    return {name: value for name, value in vars(batch).items() if value is not None}


def transformed(batch, symmetry):
    """Transform a batch by the literal formulas, value by value."""
    found = dict(vars(batch))
    kinds = {name: PUSH.observation_kinds for name in ('observation', 'next_observation')}
    kinds |= {name: PUSH.goal_kinds for name in ('achieved_goal', 'next_achieved_goal', 'goal')}
    for name, fields in {**kinds, 'action': PUSH.action_kinds}.items():
        found[name] = literal(found[name].numpy(), fields, symmetry)
    return found


def literal(values, fields, symmetry):
    values, first = values.astype(np.float64), 0
    for kind, size in fields:
        part = values[:, first:][:, :size]
        for axis, is_mirrored in enumerate(symmetry[1:3]):
            plane = (PUSH.symmetries.front_back_x_m, PUSH.symmetries.left_right_y_m)[axis]
            if is_mirrored and kind is Kind.POSITION:
                part[:, axis] = 2 * plane - part[:, axis]
            elif is_mirrored and kind in (Kind.DISPLACEMENT, Kind.LINEAR_VELOCITY):
                part[:, axis] *= -1
            elif is_mirrored and kind in (Kind.EULER_ROTATION, Kind.ANGULAR_VELOCITY):
                part[:, [i for i in range(3) if i != axis]] *= -1
            elif is_mirrored and kind is Kind.FINGER_PAIR and axis == 1:
                part[:] = part[:, ::-1].copy()
        if kind is Kind.POSITION:
            part[:, :2] += symmetry.offset_m
        first += size
    return values


@pytest.mark.parametrize('task', FETCH_TASKS.values(), ids=FETCH_TASKS)
def test_planes_lie_where_the_gripper_starts(task):
    x, y, _ = load_model(task).grip_position_m
    assert abs(task.symmetries.front_back_x_m - x) < 1e-4
    assert abs(task.symmetries.left_right_y_m - y) < 1e-4


@pytest.mark.parametrize(
    ('symmetry', 'numbers'),
    [
        (Symmetry('neither'), (0.5, 0.5, 0.5, 0.5)),
        (LEFT_RIGHT, (0.5, 0.499, 0.5, 0.5)),
        (FRONT_BACK, (0.0, 0.5, 0.5, 0.5)),
        (Symmetry('both', True, True), (0.4, 0.4, 0.5, 0.5)),
        (Symmetry('moved', offset_m=(-0.1, 0.05)), (0.9, 0.9, 0.0, 0.75)),
        (Symmetry('all', True, True, (0.05, -0.1)), (0.0, 0.0, 0.75, 0.0)),
    ],
    ids=lambda each: getattr(each, 'name', None),
)
def test_states_goal_and_action_transform_together_and_the_reward_stays(
    make_episode, parameters, symmetry, numbers
):
    replay = filled(make_episode, parameters, **ALL)
    noise = noise_of(500, symmetries=False)
    plain = replay.sample(noise)
    found = replay.sample(with_numbers(noise, *numbers))
    assert 0.1 < (plain.reward == 0).float().mean() < 0.9
    for name, expected in transformed(plain, symmetry).items():
        if expected is not None:
            np.testing.assert_allclose(getattr(found, name), expected, rtol=0, atol=1e-6)
    for name in ('reward', 'terminated', 'steps_to_goal', 'row'):
        assert torch.equal(getattr(found, name), getattr(plain, name))
    # The transformed goals have the same reward, but for those within rounding of the tolerance.
    distance = PUSH.distance(plain.next_achieved_goal, plain.goal)
    is_clear = (distance - PUSH.goal_tolerance_m).abs() > 1e-12
    again = PUSH.reward(found.next_achieved_goal, found.goal)
    assert is_clear.sum() > 490
    assert torch.equal(again[is_clear].float(), plain.reward[is_clear])


@pytest.mark.parametrize('happens', [(True, False), (False, True), (True, True)])
def test_a_reflection_twice_changes_nothing(happens):
    fields = [(Kind.POSITION, 3), (Kind.EULER_ROTATION, 3), (Kind.FINGER_PAIR, 2)]
    fields += [(Kind.DISPLACEMENT, 2), (Kind.ANGULAR_VELOCITY, 6), (Kind.SCALAR, 1)]
    transformation = Transformation(fields, torch.float64)
    values = torch.randn(50, 17, dtype=torch.float64)
    mirrored = torch.tensor(happens)[:, None].expand(2, 50).double()
    shift = mirrored * torch.tensor([[2.6], [1.5]]).double()
    which = reflections(mirrored)
    once = transformation(values, mirrored, which, shift)
    assert not torch.equal(once, values)
    twice = transformation(once, mirrored, which, shift)
    torch.testing.assert_close(twice, values, rtol=0, atol=1e-14)


def test_each_symmetry_has_its_share_and_they_are_independent(make_episode, parameters):
    changes = {'symmetry_left_right': 0.3, 'symmetry_front_back': 0.6, 'symmetry_offset_m': 0.2}
    replay, count = filled(make_episode, parameters, **changes), 50_000
    noise = noise_of(count)
    plain = replay.sample(dataclasses.replace(noise, symmetry=None))
    found = replay.sample(noise)
    front_back, left_right = (found.action[:, :2] != plain.action[:, :2]).unbind(1)
    for mirrored, share in ((left_right, 0.3), (front_back, 0.6), (left_right & front_back, 0.18)):
        # four standard deviations of a binomial count
        deviation = (count * share * (1 - share)) ** 0.5
        assert abs(mirrored.sum().item() - count * share) < 4 * deviation
    planes = torch.tensor([PUSH.symmetries.front_back_x_m, PUSH.symmetries.left_right_y_m])
    both = torch.stack((front_back, left_right), 1)
    expected = torch.where(both, 2 * planes - plain.goal[:, :2], plain.goal[:, :2])
    offset = found.goal[:, :2] - expected
    assert offset.abs().max() <= 0.2 + 1e-6
    # A uniform number in ±h has the standard deviation h / √3.
    assert (offset.mean(0)).abs().max() < 4 * 0.2 / (3 * count) ** 0.5
    assert (offset.std(0) - 0.2 / 3**0.5).abs().max() < 0.002
    assert abs(torch.corrcoef(offset.t())[0, 1]) < 4 / count**0.5


def test_off_means_the_same_numbers_and_the_same_samples(make_episode, parameters):
    """A learner with symmetries of no effect draws more, and sees the same in each sample."""
    assert Replay(PUSH, parameters()).symmetries is None
    plain = noise_of(50, symmetries=False)
    expected = torch.rand((3, 50), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.stack([plain.transition, plain.relabel, plain.future]), expected)
    assert plain.symmetry is None
    off, on = (filled(make_episode, parameters, **each) for each in ({}, ALL))
    noise = noise_of(50)
    for name, value in values_of(off.sample(noise)).items():
        same = on.sample(dataclasses.replace(noise, symmetry=None))
        assert torch.equal(getattr(same, name), value), name


def test_the_normalisers_see_what_the_networks_see(make_episode, parameters):
    """Statistics are those of transformed samples: a mirrored velocity has the mean 0."""
    learner = Learner(PUSH, parameters(replay_capacity=100_000, **ALL))
    episodes = [make_episode(PUSH, 50, number) for number in range(200)]
    for episode in episodes:
        episode.rows['observation'] += 0.7  # far from any symmetry
    learner.ingest(episodes)
    batch = learner.replay.sample(noise_of(100_000))
    for normalizer, seen in (
        (learner.normalizers['observation'], batch.observation),
        (learner.normalizers['goal'], batch.goal),
    ):
        values = seen.double()
        # Standard errors of 10,000 values with a deviation of about 1.2, and of as many again.
        assert (normalizer._mean - values.mean(0)).abs().max() < 5 * 1.7e-2
        spread = normalizer.std.double() / values.std(0)
        assert (spread - 1).abs().max() < 0.05
    velocity = learner.normalizers['observation'].mean[20:23]
    assert velocity[:2].abs().max() < 0.05
    assert abs(velocity[2] - 0.7) < 0.05


def test_learning_repeats_and_resumes_bit_for_bit(make_episode, parameters, assert_same):
    def learner():
        made = Learner(PUSH, parameters(**ALL))
        made.ingest([make_episode(PUSH, 10, number) for number in range(5)])
        return made

    one, other = learner(), learner()
    one.update(5)
    state = copy.deepcopy(one.state_dict())
    other.load_state_dict(state)
    one.update(3)
    other.update(3)
    assert_same(one.state_dict(), other.state_dict())


def test_a_task_without_symmetries_refuses_them(toy, parameters):
    with pytest.raises(
        SymmetryError, match=r'symmetry.left_right is 0.5, but task Toy has no such'
    ):
        Learner(toy, parameters(symmetry_left_right=0.5))


def test_a_task_of_ones_own_says_what_it_has(make_task, make_episode, parameters):
    """A planar task that is symmetric along y alone."""
    symmetries = Symmetries(
        observation=(Kind.POSITION, Kind.LINEAR_VELOCITY),
        goal=Kind.POSITION,
        action=((Kind.DISPLACEMENT, 2), (Kind.SCALAR, 1)),
        left_right_y_m=0.5,
    )
    task = dataclasses.replace(make_task(), symmetries=symmetries)
    replay = filled(make_episode, parameters, task, symmetry_left_right=1.0)
    noise = noise_of(100)
    plain = replay.sample(dataclasses.replace(noise, symmetry=None))
    found = replay.sample(noise)
    x, y, vx, vy = plain.observation.unbind(1)
    expected = torch.stack((x, 1.0 - y, vx, -vy), 1)
    torch.testing.assert_close(found.observation, expected)
    with pytest.raises(SymmetryError, match=r'symmetry.front_back is 0.5, but task Toy'):
        Replay(task, parameters(symmetry_front_back=0.5))


@pytest.mark.parametrize('name', SCRIPTS)
def test_a_mirrored_action_sequence_ends_in_the_mirrored_state(name):
    """
    The arm keeps the left-right symmetry to a millimetre, contacts to some more.

    ``python bench/symmetries.py`` prints all figures; docs/results/symmetries.md has the table.
    """
    found = compare(LEFT_RIGHT, SCRIPTS[name], count=4)
    assert found.gripper_m.max() < 2e-3
    assert found.block_m.max() < {'at rest': 1e-6, 'pushed': 10e-3, 'grasped': 2e-3}[name]
    moves = {'at rest': (-1e-6, 1e-3), 'pushed': (0.03, 0.3), 'grasped': (0.1, 0.4)}[name]
    assert ((moves[0] < found.block_moved_m) & (found.block_moved_m < moves[1])).all()


@pytest.mark.parametrize('symmetry', [FRONT_BACK, OFFSETS[1], OFFSETS[2]], ids=lambda s: s.name)
def test_the_arm_breaks_other_symmetries_by_a_fraction_of_a_move(symmetry):
    """Near the end of its reach the arm moves less; a move with half an action is 17 mm."""
    found = compare(symmetry, SCRIPTS['grasped'], count=4)
    assert np.median(found.move_m) < 5e-3
    assert found.move_m.max() < 8e-3
    assert found.block_m.max() < 50e-3


def test_the_truth_is_transformed_like_what_was_seen(make_episode, parameters):
    batch = filled(make_episode, parameters, truth='critic', **ALL).sample(noise_of(200))
    # These episodes are not disturbed: what was seen is the truth.
    assert torch.equal(batch.true_observation, batch.observation)
    assert torch.equal(batch.next_true_observation, batch.next_observation)
    torch.testing.assert_close(batch.seen_achieved_goal, batch.achieved_goal.float())
    torch.testing.assert_close(batch.next_seen_achieved_goal, batch.next_achieved_goal.float())
