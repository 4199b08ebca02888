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
import os

from her_ros.arms.errors import ArmError
from her_ros.arms.registry import with_workspace
from her_ros.bags.rollout import run_metadata
from her_ros.bags.writer import write_rollout
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.orchestration.offline_bags import digests_of, task_of
from her_ros.orchestration.train_offline import _task, TrainOfflineOptions
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import file_sha256
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.registry import task_named
from mcap.writer import Writer
import numpy as np
import pytest


def test_a_bag_without_a_step_topic_is_named_with_its_topics(tmp_path):
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('ros2')
        schema = writer.register_schema('std_msgs/msg/String', 'ros2msg', b'string data\n')
        channel = writer.register_channel('/rosout', 'cdr', schema)
        writer.add_message(channel, 1, b'\0\1\0\0\2\0\0\0a\0', 1)
        writer.finish()
    with pytest.raises(HerRosError, match=r'a\.mcap: no step topic of type .*/rosout'):
        task_of([(path, '')])


def test_the_task_of_bags_is_done_by_the_arm_that_they_were_recorded_on(tmp_path):
    task, still = task_named('Reach', 'six_joint'), np.zeros((1, 4), np.float32)
    protocol = EvaluationProtocol(episodes=1, num_envs=1, threads=1)
    rows = [*evaluation_steps(task, lambda *_: still, 0, protocol)]
    write_rollout(tmp_path, 'a', run_metadata(task), rows, '/step', 0, task.control_period_s)
    options = TrainOfflineOptions([tmp_path], '', '', None, 1, None, [], False)
    bags = [(tmp_path / 'a.mcap', '')]
    assert task_of(bags) == task
    assert _task(options, bags) == with_workspace(task)
    named = replace(options, task='Reach', arm='ur5e_2f85')
    assert _task(named, bags) == with_workspace(task_named('Reach', 'ur5e_2f85'))


def test_bags_of_an_arm_without_a_description_are_not_evaluated(tmp_path):
    task = replace(task_named('Reach', 'six_joint'), arm='no_such_arm')
    still = np.zeros((1, 4), np.float32)
    protocol = EvaluationProtocol(episodes=1, num_envs=1, threads=1)
    rows = [*evaluation_steps(replace(task, arm='six_joint'), lambda *_: still, 0, protocol)]
    write_rollout(tmp_path, 'a', run_metadata(task), rows, '/step', 0, task.control_period_s)
    options = TrainOfflineOptions([tmp_path], '', '', None, 1, None, [], evaluate=False)
    bags = [(tmp_path / 'a.mcap', '')]
    assert _task(options, bags).arm == 'no_such_arm'
    with pytest.raises(ArmError, match='no_such_arm'):
        _task(replace(options, evaluate=True), bags)


def test_digests_are_of_the_regular_files_in_a_directory(tmp_path):
    """As readers do: a link within the directory is followed, one out of it is not."""
    bag, outside = tmp_path / 'bag', tmp_path / 'outside'
    bag.mkdir()
    (bag / 'bag_0.mcap').write_bytes(b'recorded')
    (bag / 'inside.mcap').symlink_to('bag_0.mcap')
    (bag / 'dangling.mcap').symlink_to('nowhere')
    (bag / 'folder').mkdir()
    os.mkfifo(bag / 'pipe.mcap')
    outside.write_bytes(b'of somebody else')
    (bag / 'link.mcap').symlink_to(outside)
    once = file_sha256(bag / 'bag_0.mcap')
    assert digests_of({bag: ''}) == [('bag', f'{once} {once}')]
    outside.write_bytes(b'changed')
    assert digests_of({bag: f'{once} {once}'}) == [('bag', f'{once} {once}')]


def test_a_pipe_has_no_digest(tmp_path):
    os.mkfifo(tmp_path / 'a.mcap')
    with pytest.raises(HerRosError, match=r'a\.mcap: not a regular file'):
        digests_of({tmp_path / 'a.mcap': ''})
