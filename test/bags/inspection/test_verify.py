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

from her_ros.bags.inspection.checks import row_faults
from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.writer import write_rollout
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest

METADATA = {'task': 'FetchPush'}


@pytest.fixture
def right(make_rollout, push):
    """Messages that keep the contract, with successes among them."""

    def make(count=3, lengths=(6, 4)):
        messages = []
        for episode in range(count):
            for rows in make_rollout(lengths, seed=episode):
                near = (rows['step'] + rows['env']) % 3 == 1
                rows['achieved_goal'][near] = rows['desired_goal'][near] + 0.01
                moved = rows['step'] > 0
                goals = rows['achieved_goal'], rows['desired_goal']
                rows['reward'] = push.reward(*goals) * moved
                rows['is_success'] = push.is_success(*goals) * moved
                rows['episode'] = episode
                messages.append(rows)
        return messages

    return make


@pytest.fixture
def found_in(tmp_path, push):
    """Write messages as a bag, verify it, return the faults and what was counted."""

    def found(messages, task=push):
        path = write_rollout(tmp_path, f'bag{len(list(tmp_path.iterdir()))}', METADATA, messages)
        result = Verified()
        return [
            str(fault).removeprefix(f'{path}: ') for fault in verify(path, task, result)
        ], result

    return found


def test_what_keeps_the_contract_has_no_fault(right, found_in):
    messages = right()
    assert sum(rows['is_success'].sum() for rows in messages) > 5
    faults, result = found_in(messages)
    assert faults == result.notes == []
    counted = result.bags, result.rows, result.episodes, result.faults
    assert counted == (1, sum(map(len, messages)), 6, 0)


def test_rows_of_the_simulation_have_none(found_in):
    pytest.importorskip('mujoco')
    from her_ros.sim.evaluate import evaluation_steps

    random = np.random.default_rng(0)

    def act(observation, *_):
        return random.uniform(-1, 1, (len(observation), 4)).astype(np.float32)

    steps = list(evaluation_steps(TASKS['FetchPush'], act, 3, EvaluationProtocol(4, 2, 1)))
    faults, result = found_in(steps)
    assert (faults, result.episodes) == ([], 4)


@pytest.mark.parametrize('others', [True, False], ids=['among_others', 'alone'])
def test_messages_of_no_rows_are_none(right, found_in, others):
    messages = right() * others
    empty = right()[0][:0]
    faults, result = found_in([empty, *messages, empty])
    assert (faults, result.rows) == ([], sum(map(len, messages)))


def test_repeated_rows_are_none(right, found_in):
    messages = [rows for rows in right() for _ in range(2)]
    faults, result = found_in(messages)
    assert (faults, result.episodes) == ([], 6)


@pytest.mark.parametrize(
    ('name', 'index', 'value', 'said'),
    [
        ('reward', (3, 0), -0.5, 'reward is -0.5, expected -1'),
        ('reward', (3, 0), -0.999999, 'reward is -0.999998987, expected -1'),
        ('reward', (3, 0), 50, 'reward is 50, expected -1'),
        ('reward', (4, 0), -1, 'reward is -1, expected 0: the goal is 0.017321 m away'),
        ('is_success', (3, 0), 1, 'is_success is 1, expected 0: the goal is'),
        ('is_success', (4, 0), 0, 'is_success is 0, expected 1: the goal is 0.017321 m away'),
        ('is_success', (4, 0), 7, 'is_success is 7, expected 0 or 1'),
        ('observation', (3, 0, 4), np.nan, 'expected a finite number'),
        (
            'observation',
            (3, 0, 20),
            172 * 0.04,
            'gripper_velocity is 172 m/s, expected at most 4.33',
        ),
        ('action', (3, 0, 1), 1.5, 'expected within [-1, 1]'),
        ('action', (0, 0, 2), 0.5, 'action is [0.0, 0.0, 0.5, 0.0], expected zero at step 0'),
        ('policy_version', (0, 0), 4, 'policy_version is 4, expected zero at step 0'),
        ('is_success', (0, 0), 1, 'is_success is 1, expected zero at step 0'),
        ('desired_goal', (6, 0, 0), 9.0, 'desired_goal is [9.0'),
    ],
)
def test_a_wrong_value_is_one_line(right, found_in, name, index, value, said):
    messages = right()
    step, row, *rest = index
    messages[step][name][(row, *rest)] = value
    faults, result = found_in(messages)
    assert result.faults == len(faults) == 1
    assert faults[0].startswith(f'/step: session 7, episode 0, env 0, step {step}: ')
    assert said in faults[0]


class Dense(GoalTask):
    """A reward of one's own, of any size."""

    def reward(self, achieved, desired):
        return -1000.0 * self.distance(achieved, desired)


def test_rewards_of_ones_own_are_rounded_to_float32_and_no_further(right):
    task = Dense(**vars(TASKS['FetchPush']))
    rows = np.concatenate(right())
    rows['reward'] = task.reward(rows['achieved_goal'], rows['desired_goal'])
    rows['reward'][rows['step'] == 0] = 0.0
    assert rows['reward'].min() < -100
    assert not [*row_faults(rows, task)]
    rows['reward'][3] *= 1 + 1e-6
    (fault,) = row_faults(rows, task)
    assert (fault.row, fault.kind) == (3, 'reward wrong')


@pytest.mark.parametrize(
    ('spoil', 'said'),
    [
        (lambda m: m.pop(2), 'steps are missing: it follows step 1 of episode 0, expected step 2'),
        (lambda m: m.insert(2, m.pop(3)), 'steps out of order'),
        (lambda m: m.pop(6), 'the episode before has no end: it follows step 5 of episode 0'),
        (lambda m: m.pop(7), 'an episode without its beginning: it follows step 6 of episode 0'),
        (lambda m: m.append(m[0]), 'episodes out of order'),
        (lambda m: m[3]['truncated'].__setitem__(0, 1), 'goes on after its end'),
        (lambda m: m.insert(3, other_values(m[2])), 'repeated with another observation'),
    ],
)
def test_faults_of_order_are_found(right, found_in, spoil, said):
    messages = right(lengths=(6,))
    spoil(messages)
    faults, _ = found_in(messages)
    assert any(said in fault for fault in faults)
    assert all(fault.startswith('/step: session 7, episode ') for fault in faults)


def other_values(rows):
    rows = rows.copy()
    rows['observation'][0, 5] += 1
    return rows


def test_a_hole_that_lies_between_two_chunks_is_found(tmp_path, push, right, write_mcap):
    messages = right(40)
    del messages[100]
    path = write_mcap(tmp_path / 'a.mcap', messages, chunk_size=1)
    faults = [str(each) for each in verify(path, push, Verified())]
    assert len(faults) == 2
    assert all('steps are missing' in each for each in faults)


def test_the_edges_of_a_recording_are_notes(right, found_in):
    messages = right(lengths=(6,))
    faults, result = found_in(messages[2:-1])
    assert faults == []
    assert [each.partition('/step: ')[2] for each in result.notes] == [
        'session 7, episode 0, env 0: recorded from step 2 on',
        'session 7, episode 2, env 0: unfinished, its last recorded step is 5',
    ]


def test_an_environment_that_starts_anew_is_no_fault(right, found_in):
    messages, later = right(lengths=(6,)), right(lengths=(6,))
    for rows in later:
        rows['session'] = 8
    faults, result = found_in(messages[:-2] + later)
    assert (faults, len(result.notes)) == ([], 1)


@pytest.mark.parametrize('off', [-9e-7, 0.0, 9e-7])
def test_rounding_at_the_tolerance_is_not_checked(right, found_in, push, off):
    messages = right()
    for reward in (0, -1):
        row = messages[3][:1]
        row['achieved_goal'] = row['desired_goal'] + [push.goal_tolerance_m + off, 0, 0]
        row['reward'], row['is_success'] = reward, 0
        faults, result = found_in(messages)
        assert (faults, result.borderline) == ([], 1)


def test_what_cannot_be_read_is_a_fault(tmp_path, push, right, make_rollout):
    path = write_rollout(tmp_path, 'a', METADATA, right())
    (fault,) = verify(path, TASKS['FetchSlide'], Verified())
    assert str(fault) == (
        f'{path}: recorded from FetchPush, expected FetchSlide; name bags of FetchSlide'
    )
    path.write_bytes(path.read_bytes()[:-50])
    (fault,) = verify(path, push, Verified())
    assert str(fault).startswith(f'{path}: the file is cut short')
    (fault,) = verify(tmp_path / 'no.mcap', push, Verified())
    assert str(fault).startswith(f'{tmp_path}/no.mcap: No such file or directory; ')
    reach = write_rollout(tmp_path, 'b', {}, make_rollout((2,), TASKS['FetchReach']))
    faults = [str(each) for each in verify(reach, push, Verified())]
    assert len(faults) == 3
    assert '/step: message 1: read as FetchPush: field observation has 10 values' in faults[0]


def test_fields_that_overlap_are_a_fault(right, write_mcap, tmp_path, push):
    messages = right(count=1)
    ours = messages[0].dtype
    offsets = {name: ours.fields[name][1] for name in ours.names}
    offsets['env'] = offsets['session'] + 2
    overlapping = np.dtype(
        {
            'names': list(ours.names),
            'formats': [ours[name] for name in ours.names],
            'offsets': list(offsets.values()),
            'itemsize': ours.itemsize,
        }
    )
    found = [np.zeros(len(rows), overlapping) for rows in messages]
    path = write_mcap(tmp_path / 'bag.mcap', found)
    faults = [str(fault) for fault in verify(path, push, Verified())]
    assert 'fields session and env overlap at byte 2 of the row' in faults[0]
