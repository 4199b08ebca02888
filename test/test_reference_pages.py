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

"""What the pages say of the code is written from it: nothing of it is missing."""

from pathlib import Path

import her_ros
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.schema import parameters_of
from her_ros.wire import topics as names
from links import broken_links
import pytest
from reference_pages.commands import all_commands, command_line, launch_files
from reference_pages.facade import facade
from reference_pages.formats import policy_file, rows, run_folder
from reference_pages.parameters import arm_description, parameters, shipped_values
from reference_pages.topics import all_endpoints, services, topics
from source_pages import api_pages, relinked

ROOT = Path(__file__).parent.parent


def test_every_command_has_a_section_with_its_options():
    text = command_line()
    found = dict(all_commands())
    assert {'train', 'bags info', 'deploy'} <= {*found}
    for words, command in found.items():
        section = text.partition(f'## her-ros {words}\n')[2].partition('\n## ')[0]
        for each in command.params:
            told = each.help.split('<')[0].replace('`', '')
            assert told in section.replace('`', ''), (words, each.name)
            options = each.opts if each.param_type_name == 'option' else []
            assert all(f'`{name}' in section for name in options[:1]), (words, each.name)


def test_every_launch_file_has_a_section_with_its_arguments():
    text = launch_files()
    for path in ROOT.glob('launch/*.launch.py'):
        assert f'### {path.name}' in text
    train = text.partition('### train.launch.py')[2]
    assert {
        '`task`',
        '`arm`',
        '`runs`',
        '`name`',
        '`new`',
        '`params`',
        '`workers`',
        '`namespace`',
    } == {line for line in train.splitlines() if line.startswith('`')}


def test_every_parameter_of_every_node_is_described():
    text = parameters()
    for node, config in NODE_PARAMETERS.items():
        section = text.partition(f'\n## {node}\n')[2].partition('\n## ')[0]
        for name in parameters_of(config):
            assert f'`{name}`\n' in section or f'`{name}`\n' in text.partition('\n## sim_env')[0]
    assert '| `trainer.her.past_goal_k` | 0 |' in shipped_values()


def test_every_key_of_an_arm_is_described():
    text = arm_description()
    for section in ('model', 'arm', 'tool', 'gripper', 'workspace', 'driver'):
        assert f'### {section}\n' in text
    source = text.partition('`source`\n')[2].partition('\n`')[0]
    assert 'MJCF or URDF' in source
    assert '*Type str; required.*' in source
    assert 'default `2' not in text.partition('`max_speeds`')[2].partition('\n`')[0]


def test_every_topic_has_its_ends_and_every_service_its_node():
    text = topics()
    used = {each.name for each in all_endpoints()}
    known = {value for key, value in vars(names).items() if key.isupper()}
    # Logging is rclpy's, an evaluation is a file with a topic of its own, and the action of a
    # gripper stands with the robot's own topics.
    others = {'/rosout', 'evaluation/step', names.GRIPPER_ACTION, names.SEND_GOAL}
    assert known - used == others
    assert all(each.quality or each.role == 'serves' for each in all_endpoints())
    step = text.partition('`step`\n')[2].partition('\n`')[0]
    assert 'Publishers: `robot_bridge` (reliable, volatile, depth 10); `sim_env`' in step
    assert 'Subscribers: `policy` (reliable, volatile, depth 10); `recorder`' in step
    assert '| `policy/swap_now` | std_srvs/Trigger |' in services()
    assert '| `robot_bridge/stop` | std_srvs/Trigger |' in services()


def test_rows_and_files_are_those_of_the_code():
    assert '| `observation` | float64 | 10 (FetchReach, Reach); 25 (FetchPush,' in rows()
    disturbed = rows().partition('disturbed `step` rows')[2].partition('\n###')[0]
    assert '| `true_observation` | float64 | 10 (FetchReach, Reach); 25 (FetchPush,' in disturbed
    assert '| `drawn_object_bias_m` | float32 | 3 |' in disturbed
    assert '`observation`' not in disturbed
    assert '`her_ros.contract`' in policy_file()
    assert {'`bags`', '`policy.onnx`', '`result.json`'} <= {*run_folder().split()}


def test_every_public_name_is_described_first():
    text = facade()
    for name in her_ros.__all__:
        assert f':: her_ros.{name}\n' in text or name == '__version__'


def test_every_module_is_on_a_page_of_its_room():
    pages = dict(api_pages('her_ros', ROOT))
    modules = [path for path in ROOT.glob('her_ros/**/*.py') if path.name != '__init__.py']
    assert len(modules) > 100
    for path in modules:
        module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
        assert f'.. automodule:: {module}\n' in pages[f'{module.rpartition(".")[0]}.rst']


def test_links_to_files_become_links_to_pages():
    def link(text, source):
        return relinked(text, ROOT / source, ROOT / 'docs' / 'how_to' / 'x.md', ROOT)

    assert link('[a](../../ARCHITECTURE.md#b)', 'docs/how_to/x.md') == (
        '[a](../generated/architecture.md#b)'
    )
    assert link('[a](docs/faults.md)', 'README.md') == '[a](../faults.md)'
    assert link('[a](https://b.c)', 'README.md') == '[a](https://b.c)'
    with pytest.raises(ValueError, match=r'setup.py is no page'):
        link('[a](setup.py)', 'README.md')


def test_broken_links_of_built_pages_are_found(tmp_path):
    (tmp_path / 'a.html').write_text('<p id="x"><a href="b.html#y">b</a><a href="#x">x</a>')
    (tmp_path / 'b.html').write_text('<p id="y"><a href="https://nowhere.example">n</a>')
    assert broken_links(tmp_path) == []
    (tmp_path / 'b.html').write_text('<a href="c.html">c</a>')
    assert broken_links(tmp_path) == [
        'a.html: b.html#y leads nowhere',
        'b.html: c.html leads nowhere',
    ]
