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

from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.schema import parameters_of
from her_ros.nodes.arguments import check_arguments, help_text
from her_ros.runtime.errors import HerRosError
import pytest

DESCRIPTION = 'The ``policy`` node: acts.\nActs.'
POLICY = NODE_PARAMETERS['policy']
VALID = {
    'nothing': '',
    'a namespace and a topic': '--ros-args -r __ns:=/a/b_1 -r action:=/c/action -p a:=b',
    'names that are expanded': '--ros-args --remap ~/pause:=~/wait -r a:={node}/b',
    'a node that is named': '--ros-args -r policy:__node:=other -r policy:__ns:=/a --',
    'a parameter that looks like a flag': '--ros-args -p a:=-h',
}
WRONG = {
    '--foo': ["unknown argument '--foo'", '--help'],
    'seed:=3': ["unknown argument 'seed:=3'", '-p NAME:=VALUE'],
    '--ros-args -p a:=b -- --foo': ["'--foo'"],
    '--ros-args -r __ns:=my-robot': ["'__ns:=my-robot'", 'namespace', '/my_robot'],
    '--ros-args -r __ns:=robot': ["'__ns:=robot'", 'begins with /'],
    '--ros-args -r policy:__ns:=/my-robot': ["'policy:__ns:=/my-robot'", 'namespace'],
    '--ros-args -r __node:=a-b': ["'__node:=a-b'", 'letters, digits and _'],
    '--ros-args --remap action:=b-c': ["'action:=b-c'", 'letters, digits, _ and /'],
    '--ros-args -r action': ["'action'", 'OLD:=NEW'],
    '--ros-args -r action:=': ["'action:='", 'OLD:=NEW'],
    '--ros-args -p seed': ["'seed'", 'NAME:=VALUE'],
}


@pytest.mark.parametrize('line', VALID.values(), ids=VALID)
def test_arguments_that_ros_takes_pass(line):
    check_arguments(line.split(), DESCRIPTION, POLICY)


@pytest.mark.parametrize('line', WRONG)
def test_a_wrong_argument_is_named_in_one_line(line):
    with pytest.raises(HerRosError) as caught:
        check_arguments(line.split(), DESCRIPTION, POLICY)
    assert '\n' not in str(caught.value)
    for part in WRONG[line]:
        assert part in str(caught.value)


@pytest.mark.parametrize('section', ['/**/fetch_env:', '"/a/fetch_env" :', '/a:\n  fetch_env:'])
def test_a_parameter_file_with_the_earlier_name_of_a_node_is_answered_by_the_present_one(
    tmp_path, section
):
    path = tmp_path / 'mine.yaml'
    path.write_text(f'/**:\n  ros__parameters: {{seed: 3}}\n{section}\n')
    with pytest.raises(
        HerRosError, match='fetch_env is called sim_env now; write sim_env'
    ) as caught:
        check_arguments(['--ros-args', '--params-file', str(path)], DESCRIPTION, POLICY)
    assert str(caught.value).startswith(f'{path}: ')
    path.write_text(f'{section}\n'.replace('fetch_env', 'sim_env') + '# once fetch_env: a name\n')
    for file in (path, tmp_path / 'missing.yaml', tmp_path):
        check_arguments(['--ros-args', '--params-file', str(file)], DESCRIPTION, POLICY)


@pytest.mark.parametrize('line', ['-h', '--help', '--ros-args -r __ns:=/a -- --help'])
def test_help_ends_with_status_0(line, capsys):
    with pytest.raises(SystemExit) as caught:
        check_arguments(line.split(), DESCRIPTION, POLICY)
    assert caught.value.code == 0
    assert capsys.readouterr().out == help_text(DESCRIPTION, POLICY) + '\n'


@pytest.mark.parametrize('name', NODE_PARAMETERS)
def test_help_says_what_a_node_is_how_to_start_it_and_its_parameters(name):
    text = help_text(f'The ``{name}`` node: acts.', NODE_PARAMETERS[name])
    assert text.startswith(f'The {name} node: acts.')
    assert f'ros2 run her_ros {name} --ros-args' in text
    words = ' '.join(text.split())
    for parameter in parameters_of(NODE_PARAMETERS[name]).values():
        assert f'\n  {parameter.name} (' in text
        assert parameter.description in words
        if parameter.maximum is not None:
            assert f'from {parameter.minimum} to {parameter.maximum}' in words
    assert max(map(len, text.splitlines())) <= 99
