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
from pathlib import Path

from her_ros.bags.errors import BagError
from her_ros.bags.inspection.info import read_info
from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.reader import read_bag
from her_ros.bags.repair.merge import merge
from her_ros.bags.rollout import run_metadata
from her_ros.bags.stream import stream_episodes
from her_ros.bags.tasks import agree_on_task
from her_ros.bags.writer import write_rollout
from her_ros.tasks.registry import task_named, TASKS
import numpy as np
import pytest

# Recorded when bags did not note a row format yet: two episodes of FetchReach, of four steps each,
# in which the shipped policy acted.
FIRST = Path(__file__).parents[1] / 'data' / 'first_row_format.mcap'
READERS = [lambda path: read_bag(path).episodes, lambda path: list(stream_episodes(path))]
NEWER = 'its rows have format 3, and this version of her_ros reads formats up to 2; update her_ros'


@pytest.mark.parametrize('read', READERS, ids=['whole', 'streamed'])
def test_bags_of_the_first_row_format_stay_readable(read):
    one, other = read(FIRST)
    task = TASKS['FetchReach']
    for env, episode in enumerate((one, other)):
        episode.check(task)
        assert (len(episode), episode.is_success) == (4, True)
        assert episode.rows['session'].tolist() == [0x0B6A90F5] * 5
        assert episode.rows['env'].tolist() == [env] * 5
        assert episode.rows['policy_version'].tolist() == [0, 14, 14, 14, 14]
        assert episode.terminated.tolist() == [False] * 4
        np.testing.assert_array_equal(
            episode.reward, task.reward(episode.achieved_goal[1:], episode.desired_goal)
        )
    np.testing.assert_array_equal(
        one.desired_goal, [1.2303842829702312, 0.7488843409932282, 0.5651712884102796]
    )
    np.testing.assert_array_equal(
        one.observation[4],
        [
            1.2277305868228443, 0.7532252592397989, 0.5632650692871818, 0.0, 0.0,
            -0.012139607308310263, -0.005967608966745612, 0.005099246654280349,
            0.0005079609595992106, 3.862122836653334e-05,
        ],
    )  # fmt: skip
    expected = np.array([-0.15771507, 0.90764827, 0.11959123, 0.40528378], np.float32)
    np.testing.assert_array_equal(other.action[3], expected)


def test_bags_of_the_first_row_format_keep_the_contract():
    assert not list(verify(FIRST, None, Verified()))
    info = read_info(FIRST)
    assert (info.episodes, info.steps, info.successes, info.damage) == (2, 8, 2, [])
    assert read_bag(FIRST).metadata == {
        'task': 'FetchReach', 'her_ros': '0.1.0', 'control_period_s': '0.04',
        'goal_tolerance_m': '0.05', 'worker': '0', 'seed': '0', 'policy_version': '14',
    }  # fmt: skip


@pytest.mark.parametrize('metadata', [{'task': 'FetchPush'}, {}], ids=['with-task', 'without'])
def test_a_bag_of_a_newer_row_format_is_one_clear_line(tmp_path, push, make_rollout, metadata):
    path = write_rollout(tmp_path, 'new', {**metadata, 'row_format': '3'}, make_rollout())
    for read in READERS:
        with pytest.raises(BagError) as caught:
            read(path)
        assert str(caught.value) == f'{path}: {NEWER}'
    (fault,) = verify(path, None, Verified())
    assert str(fault) == f'{path}: {NEWER}'
    assert read_info(path, push).damage == [f'{path}: {NEWER}']


def test_a_merged_bag_has_the_newest_format_of_its_parts(tmp_path, make_rollout):
    for session, metadata in ((1, {}), (2, {'row_format': '1'})):
        write_rollout(
            tmp_path,
            str(session),
            {'task': 'FetchPush', **metadata},
            make_rollout(session=session),
        )
    merge([tmp_path / '1.mcap', tmp_path / '2.mcap'], tmp_path / 'both')
    assert len(read_bag(tmp_path / 'both').episodes) == 4
    with pytest.raises(BagError, match='rows have format 12'):
        agree_on_task({'task': 'FetchPush', 'row_format': '1 12 3'}, None, None)


@pytest.mark.parametrize('noted', ['', 'new', '-1', '1.5'])
def test_a_row_format_that_is_no_number_is_named(noted):
    with pytest.raises(BagError, match=f'row_format is {noted!r}; expected a number'):
        agree_on_task({'task': 'FetchPush', 'row_format': noted}, None, None)


def test_a_bag_of_another_arm_is_refused():
    metadata = run_metadata(replace(task_named('Push', 'arms/ur5e_2f85.yaml'), workspace=(0.5,)))
    assert (metadata['arm'], metadata['workspace']) == ('ur5e_2f85', '0.5')
    assert agree_on_task(metadata, None, None) == task_named('Push', 'ur5e_2f85')
    with pytest.raises(
        BagError, match=r'^recorded on arm ur5e_2f85, expected franka_panda; name the arm '
    ):
        agree_on_task(metadata, task_named('Push'), None)
    assert 'arm' not in run_metadata(TASKS['FetchPush'])
