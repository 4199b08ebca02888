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

import array
import dataclasses
import math
import re

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.schema import ConfigError, configured, parameter, parameters_of, values_of
import pytest


@dataclasses.dataclass(frozen=True)
class Shared:
    task: str = parameter('FetchReach', 'name of the task')


@dataclasses.dataclass(frozen=True)
class Oven(Shared):
    heat: float = parameter(0.5, 'how hot', minimum=0.0, maximum=1.0)
    trays: int = parameter(2, 'how many', minimum=1)
    light: bool = parameter(True, 'whether to see')
    mode: str = parameter('air', 'how', choices=('air', 'grill'))
    minutes: tuple[int, ...] = parameter((5, 10), 'how long', minimum=1, maximum=90)


@dataclasses.dataclass(frozen=True)
class Tent(Shared):
    pole_m: float = parameter(1.0, 'length')
    cloth_area_m2: float = parameter(9.0, 'size', group='cloth')
    cloth_color: str = parameter('red', 'looks', group='cloth', start=True)


@dataclasses.dataclass(frozen=True)
class Clock(Shared):
    rate: float = parameter(1.0, 'ticks per second', minimum=0.1)


@dataclasses.dataclass(frozen=True)
class Scale(Shared):
    places: tuple[float, ...] = parameter((0.0, 1.0), 'marks', minimum=0.0, maximum=9.0)


def test_what_is_not_given_keeps_its_default():
    assert configured(Oven, 'oven', {'trays': 3}) == Oven(trays=3)


def test_limits_are_inclusive():
    for heat in (0.0, 1.0):
        assert configured(Oven, 'oven', {'heat': heat}).heat == heat
    assert configured(Oven, 'oven', {'trays': 10**9}).trays == 10**9


def test_integers_are_floats_where_floats_are_wanted():
    heat = configured(Oven, 'oven', {'heat': 1}).heat
    assert (heat, type(heat)) == (1.0, float)
    places = configured(Scale, 'scale', {'places': [1, 2.5]}).places
    assert places == (1.0, 2.5)
    assert {*map(type, places)} == {float}


def test_a_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        configured(Oven, 'oven', {}).heat = 0.1


@pytest.mark.parametrize('given', [[3, 4], (3, 4), array.array('q', [3, 4])])
def test_lists_of_integers_become_tuples(given):
    minutes = configured(Oven, 'oven', {'minutes': given}).minutes
    assert minutes == (3, 4)
    assert type(minutes) is tuple


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('heat', 'hot', "oven: heat is 'hot'; it must be a number"),
        ('heat', 2, 'oven: heat is 2.0; it must lie in [0, 1]'),
        ('heat', 10**400, f'oven: heat is {10**400}; it must be a number'),
        ('heat', '1e-3', "oven: heat is '1e-3'; it must be a number"),
        ('heat', True, 'oven: heat is True; it must be a number'),
        ('heat', None, 'oven: heat is None; it must be a number'),
        ('heat', 1.5, 'oven: heat is 1.5; it must lie in [0, 1]'),
        ('heat', -1e-9, 'oven: heat is -1e-09; it must lie in [0, 1]'),
        ('heat', math.nan, 'oven: heat is nan; it must lie in [0, 1]'),
        ('heat', math.inf, 'oven: heat is inf; it must lie in [0, 1]'),
        ('trays', 0, 'oven: trays is 0; it must lie in [1, inf]'),
        ('trays', True, 'oven: trays is True; it must be an integer'),
        ('trays', 2.0, 'oven: trays is 2.0; it must be an integer'),
        ('light', 1, 'oven: light is 1; it must be true or false'),
        ('light', 'on', "oven: light is 'on'; it must be true or false"),
        ('task', 5, 'oven: task is 5; it must be text'),
        ('mode', 'steam', "oven: mode is 'steam'; choose one of air, grill"),
        ('minutes', 5, 'oven: minutes is 5; it must be a list of integers'),
        ('minutes', [], 'oven: minutes is []; it must be a list of integers'),
        ('minutes', '55', "oven: minutes is '55'; it must be a list of integers"),
        ('minutes', None, 'oven: minutes is None; it must be a list of integers'),
        ('minutes', [5, 1.0], 'oven: minutes holds 1.0; it must be a list of integers'),
        ('minutes', [5, True], 'oven: minutes holds True; it must be a list of integers'),
        ('minutes', [5, '6'], "oven: minutes holds '6'; it must be a list of integers"),
        ('minutes', [5, 0], 'oven: minutes is 0; it must lie in [1, 90]'),
        ('minutes', [91], 'oven: minutes is 91; it must lie in [1, 90]'),
    ],
)
def test_an_error_names_section_key_value_and_what_fits(key, value, message):
    with pytest.raises(ConfigError) as caught:
        configured(Oven, 'oven', {key: value})
    assert str(caught.value) == message


def test_what_is_no_number_is_refused_by_any_limit():
    with pytest.raises(ConfigError, match=r'clock: rate is nan; it must lie in \[0\.1, inf\]'):
        configured(Clock, 'clock', {'rate': math.nan})


@pytest.mark.parametrize('unknown', ['heta', 'Heat', 1, None])
def test_an_unknown_key_is_named_beside_the_known_ones(unknown):
    with pytest.raises(ConfigError) as caught:
        configured(Oven, 'oven', {'trays': 3, unknown: 0.5, 'zoom': 1})
    assert re.match(rf"oven: unknown keys \['{unknown}', 'zoom'\]; known keys", str(caught.value))
    assert "['heat', 'light', 'minutes', 'mode', 'task', 'trays']" in str(caught.value)


def test_of_many_known_keys_the_nearest_is_named_and_where_all_are():
    with pytest.raises(ConfigError) as caught:
        configured(TrainerParameters, 'trainer', {'qqqbatch': 1, 'bach_size': 2})
    text = str(caught.value)
    assert 'nearest to bach_size: batch_size' in text
    assert 'nearest to qqqbatch: ' in text
    assert text.endswith('; docs/reference/parameters.md lists all')
    assert len(text) < 250


@pytest.mark.parametrize('unknown', ['batch\nsize', 'qqq\n\x1b[31m'])
def test_an_unknown_key_with_control_characters_stays_one_line(unknown):
    with pytest.raises(ConfigError) as caught:
        configured(TrainerParameters, 'trainer', {unknown: 1})
    assert str(caught.value).isprintable()


def test_a_grouped_parameter_has_a_dotted_name_and_a_field_of_the_same_words():
    declared = parameters_of(Tent)
    assert list(declared) == ['task', 'pole_m', 'cloth.area_m2', 'cloth.color']
    assert [each.attribute for each in declared.values()][2:] == ['cloth_area_m2', 'cloth_color']
    assert [name for name, each in declared.items() if each.start] == ['cloth.color']


def test_values_by_name_make_the_same_configuration_again():
    tent = configured(Tent, 'tent', {'cloth.area_m2': 4, 'pole_m': 2.0})
    assert tent == Tent(pole_m=2.0, cloth_area_m2=4.0)
    assert values_of(tent) == {
        'task': 'FetchReach', 'pole_m': 2.0, 'cloth.area_m2': 4.0, 'cloth.color': 'red'
    }  # fmt: skip
    assert configured(Tent, 'tent', values_of(tent)) == tent


@pytest.mark.parametrize('wrong', ['cloth.colour', 'cloth_color', 'color', 'cloth.clor'])
def test_a_misspelt_name_is_answered_by_the_nearest_one(wrong):
    with pytest.raises(ConfigError) as caught:
        configured(Tent, 'tent', {wrong: 'blue'})
    assert str(caught.value) == (
        f"tent: unknown keys ['{wrong}']; write cloth.color instead of {wrong}"
    )


@pytest.mark.parametrize(
    ('wrong', 'right'),
    [
        ('noise_sdt', 'td3.noise_std'),
        ('rate', 'actor.rate or critic.rate'),
        ('std', 'td3.noise_std'),
    ],
)
def test_an_incomplete_name_is_answered_by_all_that_it_may_mean(wrong, right):
    @dataclasses.dataclass(frozen=True)
    class Learner:
        actor_rate: float = parameter(0.1, 'of the actor', group='actor')
        critic_rate: float = parameter(0.1, 'of the critic', group='critic')
        td3_noise_std: float = parameter(0.1, 'of targets', group='td3')

    with pytest.raises(ConfigError, match=f'; write {right} instead of {wrong}$'):
        configured(Learner, 'learner', {wrong: 0.2})


def test_an_earlier_name_is_answered_by_the_present_one():
    @dataclasses.dataclass(frozen=True)
    class Learner:
        her_k: int = parameter(4, 'goals', group='her')
        future: int = parameter(4, 'nearer by its letters')

    with pytest.raises(ConfigError, match=r'; write her\.k instead of future_goals$'):
        configured(Learner, 'learner', {'future_goals': 8})


def test_a_declaration_carries_type_default_description_and_limits():
    declared = parameters_of(Oven)
    assert list(declared) == ['task', 'heat', 'trays', 'light', 'mode', 'minutes']
    assert [p.type for p in declared.values()] == [str, float, int, bool, str, tuple]
    heat = declared['heat']
    assert (heat.default, heat.description, heat.minimum, heat.maximum) == (0.5, 'how hot', 0, 1)
    assert declared['mode'].choices == ('air', 'grill')
