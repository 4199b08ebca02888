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

"""Commands in an environment that ROS rejects print one line and leave nothing behind."""

import os
import subprocess
import sys

from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.runtime.process import USER_ERROR
import pytest

COMMANDS = {
    'goal': ['goal', '1.3', '0.85'],
    'stop': ['stop'],
    'echo': ['echo', '--timeout', '0.1'],
    'publish': ['publish', 'POLICY'],
    'train': ['train'],
    'deploy': ['deploy'],
    'experiment': ['experiment', 'her'],
}


@pytest.fixture
def run(tmp_path, export_policy):
    policy = tmp_path / 'policy.onnx'
    policy.write_bytes(export_policy())
    work = tmp_path / 'work'
    work.mkdir()

    def run(command, *arguments, **environment):
        words = [str(policy) if word == 'POLICY' else word for word in COMMANDS[command]]
        kept = {**os.environ, **environment}
        done = subprocess.run(
            [sys.executable, '-m', 'her_ros.cli.main', *words, *arguments],
            cwd=work, env={name: text for name, text in kept.items() if text is not None},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert not [*work.iterdir()]
        (line,) = done.stderr.splitlines()
        assert line.startswith('her-ros: ')
        return line

    return run


@pytest.mark.parametrize('command', COMMANDS)
def test_a_domain_that_is_none_is_one_line(run, command):
    assert "ROS_DOMAIN_ID is 'abc'" in run(command, ROS_DOMAIN_ID='abc')


@pytest.mark.parametrize('command', ['goal', 'train'])
def test_a_log_folder_that_cannot_be_written_is_one_line(run, command):
    assert '/proc/x' in run(command, ROS_LOG_DIR='/proc/x')


def test_no_home_is_one_line(run):
    assert 'HOME' in run('echo', HOME=None, ROS_LOG_DIR=None)


@pytest.mark.parametrize('command', ['goal', 'stop', 'train', 'deploy'])
def test_a_namespace_that_ros_does_not_take_is_one_line(run, command):
    assert "'my-robot'" in run(command, '--namespace', 'my-robot')


@pytest.mark.parametrize(
    'arguments', [('publish', '--topic', 'my-robot/x'), ('deploy', '--remap', 'a:=/my-b')]
)
def test_a_topic_that_ros_does_not_take_is_one_line(run, arguments):
    assert '/' in run(*arguments)


def test_middleware_that_is_not_installed_is_one_line(run):
    assert "'rmw_nope'" in run('train', RMW_IMPLEMENTATION='rmw_nope')


@pytest.mark.parametrize('node', NODE_PARAMETERS)
@pytest.mark.parametrize(
    ('variable', 'value', 'said'),
    [
        ('ROS_DOMAIN_ID', 'abc', 'it must be a whole number from 0 to 232'),
        ('RMW_IMPLEMENTATION', 'rmw_nope', 'which is not installed; installed are rmw_'),
    ],
)
def test_a_node_ends_with_one_line_too(node, variable, value, said):
    command = [sys.executable, '-m', f'her_ros.nodes.{node}']
    environment = {**os.environ, variable: value}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == USER_ERROR
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'her_ros: {variable} is {value!r}')
    assert said in line
