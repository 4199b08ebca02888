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

import math

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.registry import Registry, RegistryError, UnknownNameError
import pytest

GROUP = 'her_ros.spoons'


@pytest.fixture
def spoons():
    return Registry('spoon', GROUP, {'tea': 5, 'table': 'math:pi'})


def test_own_things_are_found_as_they_are_or_where_they_are(spoons):
    assert [*spoons] == ['tea', 'table']
    assert (spoons['tea'], spoons['table']) == (5, math.pi)
    assert 'tea' in spoons
    assert 'soup' not in spoons
    assert spoons.get('soup') is None


def test_an_installed_package_adds_its_things(spoons, install):
    install('ladles', {GROUP: {'soup': 'math:tau'}, 'other': {'fork': 'math:e'}})
    assert [*spoons] == ['tea', 'table', 'soup']
    assert spoons['soup'] == math.tau
    assert len(spoons) == 3


def test_an_unknown_name_is_reported_with_the_nearest(spoons):
    with pytest.raises(UnknownNameError) as caught:
        spoons['tabel']
    said = "spoon 'tabel' is unknown; choose one of tea, table (nearest: table)"
    assert str(caught.value) == said
    with pytest.raises(HerRosError, match=r'choose one of tea, table$'):
        spoons['xyz']


def test_a_name_that_two_packages_give_is_refused_when_it_is_used(spoons, install):
    install('ladles', {GROUP: {'soup': 'math:tau', 'tea': 'math:tau'}})
    install('scoops', {GROUP: {'soup': 'math:pi'}})
    assert [*spoons] == ['tea', 'table', 'soup']
    with pytest.raises(RegistryError) as caught:
        spoons['soup']
    assert str(caught.value).startswith("spoon 'soup' is given by ")
    assert {'ladles', 'scoops'} <= {*str(caught.value).replace(';', '').split()}
    with pytest.raises(RegistryError, match="'tea' is given by her_ros and by ladles; uninstall"):
        spoons['tea']


@pytest.mark.parametrize(
    ('place', 'reason'),
    [
        ('no_such_module:x', 'ModuleNotFoundError'),
        ('math:no_such_thing', 'AttributeError'),
        ('not a place', 'AttributeError'),
    ],
)
def test_a_thing_that_cannot_be_loaded_is_reported_in_one_line(spoons, install, place, reason):
    install('ladles', {GROUP: {'soup': place}})
    with pytest.raises(RegistryError) as caught:
        spoons['soup']
    line = str(caught.value)
    assert "spoon 'soup' of package ladles cannot be loaded" in line
    assert reason in line
    assert '\n' not in line
