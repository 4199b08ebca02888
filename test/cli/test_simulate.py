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

from her_ros.bags.reader import read_bag
from her_ros.runtime.run_folder import RunFolder
import pytest


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        (['--task', 'FetchTea'], ["'FetchTea'"]),
        (['--model', '/nothing.onnx'], ['/nothing.onnx: no such file', '--model']),
        (['--task', 'gym:HandReach-v3'], ["no model for task 'gym:HandReach-v3'", '--model']),
        (['--set', 'trainer.batch_size=128'], ['no node trainer', 'it has sim_env, policy']),
        (['--set', 'recorder.seed=1'], ['no node recorder']),
        (['--task', 'Push', '--set', 'arm=nope'], ["arm 'nope' is unknown"]),
        (['--task', 'Push', '--arm', 'nope'], ["arm 'nope' is unknown"]),
        (['--arm', 'six_joint'], ["'FetchReach' is not done by other arms"]),
        (['--namespace', 'my robot'], ["'my robot'"]),
        (['--folder', '/sys/here'], ['/sys/here', 'cannot be written']),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_starts(her_ros, tmp_path, arguments, parts):
    ended = her_ros('simulate', '--folder', tmp_path / 'here', *arguments)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    for part in ('her-ros: ', *parts):
        assert part in line
    assert not list(tmp_path.iterdir())


@pytest.mark.nodes
def test_a_shipped_policy_acts_is_recorded_and_reset(graph, her_ros, node_processes, tmp_path):
    folder = RunFolder(tmp_path / 'here')
    options = ['--record', '--folder', str(folder.path), '--namespace', 'mine']
    process = graph.cli('simulate', *options, '--set', 'sim_env.num_envs=2')
    graph.until(lambda: list(folder.bags.glob('*.mcap')), 'a bag')
    episodes = read_bag(next(folder.bags.glob('*.mcap'))).episodes
    assert [each.is_success for each in episodes] == [True, True]
    assert {int(version) for each in episodes for version in each.rows['policy_version'][1:]} != {
        0
    }
    ended = her_ros('reset', 'sim_env', '--namespace', 'mine/worker_0')
    assert ended == (0, '/mine/worker_0/sim_env: a new rollout begins\n', '')
    assert 'FetchReach/policy.onnx; logs in' in process.output
    process.interrupt()
    assert process.ended() == 0
    assert not node_processes('')
