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

import dataclasses

from her_ros.config.schema import ConfigError, parameter
from her_ros.config.sections import nested, nodes_values
import pytest


@dataclasses.dataclass(frozen=True)
class Shared:
    task: str = parameter('FetchReach', 'name of the task')


@dataclasses.dataclass(frozen=True)
class Oven(Shared):
    trays: int = parameter(2, 'how many', minimum=1)
    fan_speed: int = parameter(1, 'turns per second', group='fan')
    fan_enabled: bool = parameter(True, 'whether it turns', group='fan')


@dataclasses.dataclass(frozen=True)
class Clock(Shared):
    rate: float = parameter(1.0, 'ticks per second', minimum=0.1)


NODES = {'oven': Oven, 'clock': Clock}


def file_of(**sections):
    return {key: {'ros__parameters': values} for key, values in sections.items()}


def test_a_nodes_own_section_goes_before_the_shared_one():
    document = file_of(**{'/**': {'task': 'FetchPush'}, '/**/oven': {'task': 'X', 'trays': 4}})
    assert nodes_values(document, NODES, 'f.yaml') == {
        'oven': {'task': 'X', 'trays': 4},
        'clock': {'task': 'FetchPush'},
    }


@pytest.mark.parametrize('section', ['/**/ovn', 'oven', '/oven', '**', '/**/oven/', 7])
def test_a_misspelt_section_is_named_beside_the_known_ones(section):
    document = file_of(**{'/**': {}}) | {section: {'ros__parameters': {}}, 'zoo': {}}
    with pytest.raises(ConfigError) as caught:
        nodes_values(document, NODES, 'f.yaml')
    assert str(caught.value) == (
        f"f.yaml: unknown sections ['{section}', 'zoo'];"
        " known sections are ['/**', '/**/oven', '/**/clock']"
    )


@pytest.mark.parametrize('document', [None, {}, [], 'text', 5])
def test_a_file_without_sections_is_refused(document):
    with pytest.raises(ConfigError, match=r"^f\.yaml: no sections; known .*'/\*\*/oven'"):
        nodes_values(document, NODES, 'f.yaml')


@pytest.mark.parametrize(
    'content',
    [None, [], {}, {'ros_parameters': {}}, {'ros__parameters': {}, 'trays': 3}, {'trays': 3}],
)
def test_a_section_holds_ros__parameters_alone(content):
    with pytest.raises(ConfigError) as caught:
        nodes_values({'/**/oven': content}, NODES, 'f.yaml')
    assert str(caught.value).startswith('f.yaml: section /**/oven holds ')
    assert caught.value.cure == 'it must hold ros__parameters alone'


@pytest.mark.parametrize('values', [None, [1], 'trays'])
def test_a_section_without_parameters_is_named(values):
    with pytest.raises(ConfigError) as caught:
        nodes_values(file_of(**{'/**/oven': values}), NODES, 'f.yaml')
    assert caught.value.complaint == 'f.yaml: section /**/oven holds no parameters'
    assert 'or delete the section' in caught.value.cure


@pytest.mark.parametrize(
    ('sections', 'message'),
    [
        ({'/**/clock': {'trays': 2}}, r'f\.yaml: clock: unknown keys .*trays'),
        ({'/**': {'trays': 2}}, r'f\.yaml: clock: unknown keys .*trays'),
        ({'/**/clock': {'rate': 0}}, r'f\.yaml: clock: rate is 0\.0; it must lie'),
        ({'/**': {'task': 1}}, r'f\.yaml: oven: task is 1; it must be text'),
    ],
)
def test_a_wrong_value_is_named_with_file_and_node(sections, message):
    with pytest.raises(ConfigError, match=message):
        nodes_values(file_of(**sections), NODES, 'f.yaml')


@pytest.mark.parametrize(
    'content',
    [{'fan': {'speed': 3, 'enabled': False}}, {'fan.speed': 3, 'fan': {'enabled': False}}],
)
def test_a_group_may_be_nested_or_written_with_a_dot(content):
    found = nodes_values(file_of(**{'/**/oven': content}), NODES, 'f.yaml')
    assert found['oven'] == {'fan.speed': 3, 'fan.enabled': False}
    assert nested(found['oven']) == {'fan': {'speed': 3, 'enabled': False}}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            {'fan.speed': 3, 'fan': {'speed': 4}},
            'f.yaml: /**/oven: fan.speed is given twice; delete one',
        ),
        ({'fan': {}}, 'f.yaml: /**/oven: fan holds no parameters; give some or delete it'),
        (
            {'fan': 3},
            "f.yaml: oven: unknown keys ['fan'];"
            " known keys are ['fan.enabled', 'fan.speed', 'task', 'trays']",
        ),
        (
            {'fan': {'sped': 3}},
            "f.yaml: oven: unknown keys ['fan.sped']; write fan.speed instead of fan.sped",
        ),
        (
            {'fan': {'speed': {'x': 3}}},
            "f.yaml: oven: unknown keys ['fan.speed.x']; write fan.speed instead of fan.speed.x",
        ),
    ],
)
def test_a_group_that_is_not_right_is_one_line(content, message):
    with pytest.raises(ConfigError) as caught:
        nodes_values(file_of(**{'/**/oven': content}), NODES, 'f.yaml')
    assert str(caught.value) == message
