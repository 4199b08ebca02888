import subprocess
import sys
from pathlib import Path

import pytest


def test_help_teaches_the_commands(her_ros):
    ended = her_ros('--help')
    assert ended.status == 0
    for command in ('train', 'evaluate', 'echo', 'publish'):
        assert command in ended.output


def test_nothing_asked_for_is_answered_with_help(her_ros):
    ended = her_ros()
    assert 'Usage' in ended.output + ended.errors
    assert 'train' in ended.output + ended.errors


@pytest.mark.parametrize('command', ['train', 'evaluate', 'echo', 'publish'])
def test_every_option_is_described(her_ros, command):
    lines = her_ros(command, '--help').output.splitlines()
    options = [line for line in lines if ' --' in line and line.startswith('│')]
    assert options
    for line in options:
        # after the option's name and type there is something to read
        assert len(line.strip('│ ').split()) >= 4, line


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['train', '--workers', '0'], '--workers'),
        (['train', '--sede', '3'], '--sede'),
        (['trian'], 'trian'),
        (['evaluate'], 'model'),
        (['evaluate', 'x', '--episodes', '0'], '--episodes'),
    ],
)
def test_wrong_usage_is_named(her_ros, arguments, named):
    ended = her_ros(*arguments)
    assert ended.status == 2
    assert named in ended.errors


def test_the_installed_command_is_this_one():
    command = Path(sys.executable).with_name('her-ros')
    done = subprocess.run([command, 'evaluate', '/nothing.onnx'], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'her-ros: /nothing.onnx: cannot be read (No such file or directory)\n'
    assert not done.stdout
