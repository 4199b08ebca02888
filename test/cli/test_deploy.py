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

import re
import time

from her_ros.bags.reader import read_bag
from her_ros.robot.bridge.goals import GoalRegion
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
import numpy as np
import pytest


@pytest.mark.parametrize(
    ('arguments', 'parts'),
    [
        (['--task', 'FetchTea'], ["'FetchTea'", 'FetchReach, FetchPush']),
        (['--robot', 'mine'], ["'mine'", 'simulated, real, none']),
        (['--set', 'robot_bridge.speed=3'], ["['speed']", 'command.full_action_speed_mps']),
        (['--set', 'policy.safety.workspace=[0, 1]'], ['workspace', '6 floats']),
        (['--set', 'policy.safety.workspace=[0.0, 1.0]'], ['workspace', '6 floats', '2 values']),
        (
            ['--set', 'trainer.batch_size=128'],
            ['no node trainer', 'it has policy, simulated_robot, robot_bridge'],
        ),
        (['--set', 'recorder.seed=1'], ['no node recorder']),
        (['--robot', 'real', '--set', 'simulated_robot.rate_hz=50'], ['no node simulated_robot']),
        (['--folder', '/sys/robot'], ['/sys/robot', 'cannot be written']),
        (['--namespace', 'my robot'], ["'my robot'"]),
        (['--remap', 'object_pose=/block'], ["'object_pose=/block'", 'OLD:=NEW']),
        (
            ['--set', 'simulated_robot.disturb=latency_periods:-1'],
            ['latency_periods:-1', '[0, 4]'],
        ),
        (['--model', '/nothing.onnx'], ['/nothing.onnx: no such file', 'an ONNX policy']),
        (['--task', 'gym:HandReach-v3'], ["no model for task 'gym:HandReach-v3'", '--model']),
        (['--arm', 'six_joint'], ["'six_joint'", "'FetchPush' is not done by other arms"]),
        (['--task', 'Push', '--set', 'arm=six_jont'], ['nearest: six_joint']),
        (['--task', 'Push', '--arm', 'six_jont'], ['nearest: six_joint']),
        (['--task', 'Push', '--arm', 'nothing.yaml'], ['nothing.yaml']),
        (
            ['--task', 'gym:HandReach-v3', '--model', '/proc/self/status'],
            ['gym:HandReach-v3: its observation has no gripper_position'],
        ),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_starts(her_ros, tmp_path, arguments, parts):
    ended = her_ros('deploy', '--folder', tmp_path / 'robot', *arguments)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    for part in ('her-ros: ', *parts):
        assert part in line


def test_the_folder_of_a_training_run_stays_as_it_is(her_ros, tmp_path):
    folder = RunFolder(tmp_path / 'run')
    folder.create()
    folder.checkpoint.write_bytes(b'a checkpoint')
    folder.params.write_text('its parameters')
    ended = her_ros('deploy', '--folder', folder.path)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'{folder.path}: holds a training run' in line
    assert folder.params.read_text() == 'its parameters'


@pytest.fixture
def deploy(graph, tmp_path):
    """Start a deployment whose nodes have patience with a busy machine."""

    def start(*arguments):
        patience = ['robot_bridge.timeout.input_s=5.0', 'policy.watchdog.deadline_s=5.0']
        options = [part for each in patience for part in ('--set', each)]
        return graph.cli('deploy', '--folder', str(tmp_path / 'robot'), *options, *arguments)

    return start


@pytest.mark.nodes
def test_a_policy_for_another_task_is_one_line(deploy, tmp_path, export_policy):
    model = tmp_path / 'push.onnx'
    model.write_bytes(export_policy(task='FetchPush'))
    ended = deploy('--task', 'FetchReach', '--model', str(model))
    assert ended.ended() == 1
    last = ended.lines[-1]
    assert last.startswith('her-ros: /robot/policy: ')
    assert 'made for FetchPush' in last


@pytest.mark.nodes
def test_a_policy_of_the_fetch_acts_on_a_simulated_arm_that_accepts_it(graph, deploy):
    on_arm = ['--task', 'Reach', '--arm', 'six_joint', '--namespace', 'arm']
    # Its driver takes and publishes poses of the tool, so the bridge needs no model.
    values = ('robot_bridge.command.output=tool_pose', 'robot_bridge.tool_source=current_pose',
              'simulated_robot.publish_tool_pose=true')  # fmt: skip
    process = deploy(*on_arm, '--accept-arm', *(f'--set={each}' for each in values))
    graph.until(lambda: graph.status('/arm/policy').get('message') == 'ready', 'a policy')
    graph.until(
        lambda: graph.status('/arm/robot_bridge').get('state') == 'waits for a goal', 'a robot'
    )
    sent = graph.cli('goal', '1.4', '0.8', '0.5', '--namespace', 'arm')
    assert sent.ended() == 0, sent.output
    assert 'reached: ' in sent.output
    process.interrupt()
    assert process.ended() == 0


@pytest.mark.nodes
def test_from_a_shipped_policy_to_a_recorded_episode(
    graph, deploy, node_processes, her_ros, tmp_path
):
    process = deploy('--task', 'FetchReach', '--record', '--namespace', 'arm')
    graph.until(
        lambda: graph.status('/arm/robot_bridge').get('state') == 'waits for a goal', 'a robot'
    )
    assert set(re.findall(r'her_ros\.nodes\.(\w+)', ' '.join(node_processes('').values()))) == {
        'policy', 'simulated_robot', 'robot_bridge', 'recorder',
    }  # fmt: skip
    region = GoalRegion(TASKS['FetchReach'])
    goal = (0.3 * region.least + 0.7 * region.greatest).round(3)
    graph.until(lambda: re.search(r'distance to it, m: –', process.output), 'the display')
    assert 'episodes reached: –' in process.output or 'of 0' in process.output
    graph.until(lambda: graph.status('/arm/policy').get('message') == 'ready', 'a policy')
    sent = graph.cli('goal', *map(str, goal), '--namespace', 'arm')
    assert sent.ended() == 0, sent.output
    assert re.findall(r'^[a-z]+(?=: )', sent.output, re.M) == ['accepted', 'acting', 'reached']
    assert re.search(r'reached: [0-4]\.\d cm from it after \d+ steps', sent.output)
    bags = RunFolder(tmp_path / 'robot').bags
    graph.until(lambda: list(bags.glob('*.mcap')), 'a bag')
    (episode,) = read_bag(next(bags.glob('*.mcap'))).episodes
    np.testing.assert_array_equal(episode.desired_goal, goal)
    assert episode.is_success
    graph.until(lambda: re.search(r'episodes reached: 1 of 1', process.output), 'the display')
    for goal, reason in (
        (('5', '5'), 'lies outside of what the policy was trained for'),
        (('nan', '0.8'), 'is not finite'),
        (('1.3', '0.8', '--frame', 'camera'), "frame 'camera' is neither"),
    ):
        refused = her_ros('goal', *goal, '--namespace', 'arm')
        assert refused.status == 1
        (line,) = refused.errors.splitlines()
        assert line.startswith('her-ros: /arm/robot_bridge: refused: ')
        assert reason in line
        # The screen shows it too, without a terminal.
        shown = f'/arm/robot_bridge: .*{re.escape(reason)}'
        graph.until(lambda shown=shown: re.search(shown, process.output), reason)
    begin = time.monotonic()
    process.interrupt()
    assert process.ended() == 0
    assert time.monotonic() - begin < 20.0
    assert not node_processes('')
