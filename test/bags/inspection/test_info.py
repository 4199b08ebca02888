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

from her_ros.bags.inspection import info as info_module
from her_ros.bags.inspection.info import read_info, total_of
from her_ros.bags.writer import BagWriter, write_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
import numpy as np
import pytest

METADATA = {'task': 'FetchPush'}


@pytest.fixture
def one_episode(make_rollout):
    """Messages of an episode whose achieved goals and outcome are given."""

    def make(achieved, desired=(9.0, 9.0, 9.0), is_success=False, session=1, version=3):
        messages = make_rollout((len(achieved) - 1,), session=session)
        for rows, goal in zip(messages, achieved, strict=True):
            rows['achieved_goal'], rows['desired_goal'] = goal, desired
            rows['policy_version'][rows['step'] > 0] = version
        messages[-1]['is_success'] = is_success
        return messages

    return make


@pytest.mark.parametrize(
    ('path', 'is_relabelable'),
    [
        ([0, 0, 0, 0], False),  # nothing moved: every goal of it was reached before the first move
        ([0, 0.04, 0.049, 0.03], False),
        ([0, 0.02, 0.04, 0.06], True),  # it ends outside
        ([0, 0.06, 0.03, 0], True),  # it got out, and came back
        ([0.3, 0.3, 0.3, 0.36], True),
    ],
)
def test_what_her_can_use(tmp_path, one_episode, path, is_relabelable):
    messages = one_episode([(x, 1, 1) for x in path])
    info = read_info(write_rollout(tmp_path, 'a', METADATA, messages))
    assert info.relabelable_share == is_relabelable
    solved = one_episode([(x, 1, 1) for x in path], is_success=True)
    info = read_info(write_rollout(tmp_path, 'b', METADATA, solved))
    assert (info.success_rate, info.relabelable_share) == (1.0, None)


def test_goals_are_covered_where_something_was_achieved(tmp_path, one_episode):
    """By the definition: cells of 5 cm; the achieved goals of one bag cover goals of another."""
    random = np.random.default_rng(3)
    paths, desired, achieved = [], [], []
    for index in range(30):
        goals = random.uniform(0, 0.2, (9, 3))
        wanted = random.uniform(0, 0.3, 3)
        paths.append(
            write_rollout(
                tmp_path, str(index), METADATA, one_episode(goals, wanted, session=index)
            )
        )
        desired.append(tuple(np.floor(wanted / 0.05).astype(int)))
        achieved += [tuple(cell) for cell in np.floor(goals / 0.05).astype(int)]
    expected = np.mean([cell in achieved for cell in desired])
    assert 0.1 < expected < 0.9
    total = total_of(read_info(path) for path in paths)
    assert total.goal_coverage == pytest.approx(expected)
    assert total.episodes == 30


def test_memory_for_goals_is_bounded(tmp_path, monkeypatch, one_episode):
    monkeypatch.setattr(info_module, 'MAX_CELLS', 50)
    paths = [
        write_rollout(
            tmp_path, str(index), METADATA,
            one_episode([(x, index, 0) for x in range(9)], session=index),
        )
        for index in range(30)
    ]  # fmt: skip
    infos = [read_info(path) for path in paths]
    total = total_of(infos)
    assert infos[0].goal_coverage is not None
    assert total.goal_coverage is None
    assert len(total.achieved_cells) + len(total.desired_cells) < 50 + 10


def test_counts_are_those_of_what_was_written(tmp_path, rollouts, write_mcap):
    paths = []
    for index in range(3):
        messages = rollouts(4, (5, 7), session=index)
        for rows in messages:
            rows['policy_version'][rows['step'] > 0] = 10 + index
        stamps = [(1 + index) * 10**9 + each * 10**8 for each in range(len(messages))]
        paths.append(write_mcap(tmp_path / f'{index}.mcap', messages, stamps))
    total = total_of(read_info(path, TASKS['FetchPush']) for path in paths)
    assert (total.episodes, total.steps) == (24, 3 * 4 * 12)
    assert total.policy_versions == (10, 12)
    assert total.topics == {'/step': 3 * 32}
    assert total.duration_s == pytest.approx(3 * 3.1)
    assert total.size == sum(path.stat().st_size for path in paths)
    assert total.tasks == {'FetchPush'}


def test_what_was_read_in_front_of_damage_counts(tmp_path, push, rollouts, write_mcap):
    path = write_mcap(tmp_path / 'a.mcap', rollouts(40), chunk_size=9000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    info = read_info(path, push)
    assert 0 < info.episodes < 80
    assert len(info.damage) == 1
    assert info.damage[0].startswith(f'{path}: damaged')


@pytest.mark.parametrize('unstamped', [{0}, {3}, {8}, {0, 1, 2}, set(range(9))])
def test_stamps_of_0_are_counted_and_not_in_the_duration(tmp_path, one_episode, unstamped):
    messages = one_episode([(x, 1, 1) for x in range(9)])
    stamps = [0 if i in unstamped else 1_700_000_000_000_000_000 + i * 10**9 for i in range(9)]
    writer = BagWriter(tmp_path, 'a', METADATA)
    for rows, stamp in zip(messages, stamps, strict=True):
        writer.write('/step', CLOUD_TYPE, encode_cloud(rows, stamp), stamp)
    info = total_of([read_info(writer.close())])
    times = [i for i in range(9) if i not in unstamped]
    assert info.duration_s == (times[-1] - times[0] if times else 0)
    assert info.unstamped == len(unstamped)
    assert info.episodes == 1
