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

import ast
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import her_ros as her_ros_package
from her_ros.cli.main import app, number_or_not
import pytest
from typer.main import get_command


def test_help_teaches_the_commands(her_ros):
    ended = her_ros('--help')
    assert ended.status == 0
    for command in ('train', 'evaluate', 'echo', 'publish'):
        assert command in ended.output


def test_nothing_asked_for_is_answered_with_help(her_ros):
    ended = her_ros()
    assert 'Usage' in ended.output + ended.errors
    assert 'train' in ended.output + ended.errors


def commands():
    """List all commands, as words."""
    found = [[]]
    for name, command in get_command(app).commands.items():
        found += [[name], *([name, each] for each in getattr(command, 'commands', ()))]
    return found


@pytest.mark.parametrize('command', commands(), ids=' '.join)
def test_help_fits_a_narrow_terminal_and_describes_every_option(her_ros, monkeypatch, command):
    wide = her_ros(*command, '--help').output
    monkeypatch.setenv('COLUMNS', '60')
    narrow = her_ros(*command, '--help').output
    assert max(map(len, narrow.splitlines())) <= 60
    assert '…' not in narrow
    assert '...  ' not in narrow
    assert ''.join(narrow.split()) == ''.join(wide.split())  # nothing is cut
    options = re.findall(r'^  -[^\n]*', wide, re.MULTILINE)
    assert options
    for option in options:
        assert re.search(r'\S  +\S', option), option
    if command not in ([], ['arms'], ['bags'], ['runs']):
        assert f'Examples:\n    her-ros {" ".join(command)}' in wide


def test_the_examples_of_the_help_are_accepted_by_the_parser(her_ros):
    for words in commands():
        text = her_ros(*words, '--help').output.partition('Examples:')[2]
        for example in filter(None, map(str.strip, text.splitlines())):
            command = get_command(app)
            arguments = [*map(number_or_not, example.split()[1:])]
            while hasattr(command, 'commands'):
                command = command.commands[arguments.pop(0)]
            command.make_context('x', arguments)  # raises where an option is unknown


def test_the_version_is_the_packages(her_ros):
    ended = her_ros('--version')
    assert (ended.status, ended.output) == (0, f'her-ros {her_ros_package.__version__}\n')


@pytest.mark.parametrize('number', ['-0.2', '-1', '-.5', '-1e-3', '-inf', '-2.'])
def test_negative_numbers_are_no_options(her_ros, monkeypatch, number):
    asked = []
    monkeypatch.setattr(
        'her_ros.orchestration.goal.send_goal', lambda *given: asked.append(given) or 0
    )
    assert her_ros('goal', number, number, '--frame', 'base_link').status == 0
    assert asked == [((float(number), float(number), 0.425), 'base_link', 'robot', True)]
    assert her_ros('goal', 1, 2, number).status == 0
    assert asked[1][0] == (1.0, 2.0, float(number))


@pytest.mark.parametrize('option', ['-x', '-f', '-0x', '--1'])
def test_other_words_with_a_dash_are_options(her_ros, option):
    ended = her_ros('goal', '1', option)
    assert ended.status == 2
    assert 'No such option' in ended.errors


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['train', '--workers', '0'], '--workers'),
        (['train', '--sede', '3'], '--sede'),
        (['trian'], 'trian'),
        (['evaluate'], 'model'),
        (['evaluate', 'x', '--episodes', '0'], '--episodes'),
        (['evaluate', 'x', '--num-envs', '1025'], '--num-envs'),
        (['card', 'x', '--out', 'y', '--threads', '65'], '--threads'),
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
    said = 'cannot be read (No such file or directory); name a file that exists'
    assert done.stderr == f'her-ros: /nothing.onnx: {said}\n'
    assert not done.stdout


@pytest.mark.parametrize(
    'environment',
    [
        {'PYTHONIOENCODING': 'iso-8859-1'},
        {'PYTHONIOENCODING': 'euc-jp'},
        {'PYTHONIOENCODING': 'ascii'},
        {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'},
    ],
    ids=str,
)
def test_output_takes_any_encoding(tmp_path, environment):
    # A dash, box characters and a name that none of these can express.
    code = (
        'import sys, her_ros.cli.main as m, her_ros.analysis.evaluate as e\n'
        'from rich.console import Console\n'
        "e.evaluate = lambda *_: Console().print('a \\u2013 b', '\\u6f22\\u00e9\\U0001f600')\n"
        "sys.argv = ['her-ros', 'evaluate', 'x']\nm.main()"
    )
    kept = {name: text for name, text in os.environ.items() if not name.startswith('LC_')}
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, env={**kept, **environment}
    )
    assert (done.returncode, done.stderr) == (0, b'')
    assert done.stdout.startswith(b'a ')


def test_a_library_that_is_missing_is_one_line():
    code = (
        "import sys, her_ros.cli.main as m\nsys.modules['rclpy'] = None\n"
        "sys.argv = ['her-ros', 'stop']\nm.main()"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, '')
    (line,) = done.stderr.splitlines()
    assert line.startswith('her-ros: rclpy cannot be loaded (')
    assert line.endswith('or source the set-up file of ROS')


def test_files_are_utf8_whatever_the_locale(tmp_path):
    code = (
        'import sys\nfrom pathlib import Path\n'
        'from her_ros.orchestration.prepare import prepare_run\n'
        'folder = prepare_run("FetchReach", Path(sys.argv[1]), "r", params_file=Path(sys.argv[2]))'
    )
    params = tmp_path / 'mine.yaml'
    params.write_text('# größer – 漢\n/**:\n  ros__parameters:\n    task: FetchReach\n', 'utf-8')
    environment = {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}
    arguments = [sys.executable, '-c', code, str(tmp_path / 'runs'), str(params)]
    subprocess.run(arguments, check=True, env={**os.environ, **environment})


def test_no_text_file_is_opened_in_the_encoding_of_the_locale():
    root = Path(her_ros_package.__file__).parent
    found = []
    for path in [*root.rglob('*.py'), *(root.parent / 'launch').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if not isinstance(node, ast.Call) or not isinstance(
                node.func, ast.Attribute | ast.Name
            ):
                continue
            name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
            words = [each.value for each in node.args if isinstance(each, ast.Constant)]
            encoded = 'utf-8' in words or any(each.arg == 'encoding' for each in node.keywords)
            text_mode = {'r', 'w', 'a', 'x', 'a+', 'r+', 'w+'} & {*map(str, words)}
            newline = any(each.arg == 'newline' for each in node.keywords)
            reads = name in ('read_text', 'write_text') or (
                name == 'open' and (text_mode or newline)
            )
            if reads and not encoded:
                found.append(f'{path}:{node.lineno}')
    assert not found


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_becomes_an_error_of_an_import_ends_the_command_quietly(number):
    program = f"""
import os, time
from her_ros.cli import main
def load(arguments):
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(30.0)
    except KeyboardInterrupt:
        raise ImportError('initialization failed') from None
main.app = load
main.main()
"""
    ended = subprocess.run([sys.executable, '-c', program], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (128 + number, b'')
