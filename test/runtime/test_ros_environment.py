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

from her_ros.runtime.ros_environment import (
    check_ros_environment,
    checked_namespace,
    checked_topic,
    domain_id,
    RosEnvironmentError,
)
import pytest


@pytest.fixture
def environ(tmp_path):
    return {'HOME': str(tmp_path)}


def test_nothing_set_is_right(environ):
    check_ros_environment(environ)
    assert domain_id(environ) == 0


@pytest.mark.parametrize(
    ('text', 'domain'), [('', 0), ('0', 0), ('7', 7), (' 42 ', 42), ('232', 232)]
)
def test_a_domain_is_a_number(environ, text, domain):
    assert domain_id({**environ, 'ROS_DOMAIN_ID': text}) == domain


@pytest.mark.parametrize('text', ['abc', '-3', '233', '1e1', '5abc', '٣', '0x10', '010', '9' * 40])
def test_what_is_no_domain_is_named(environ, text):
    with pytest.raises(RosEnvironmentError, match=r'ROS_DOMAIN_ID is .* from 0 to 232') as error:
        check_ros_environment({**environ, 'ROS_DOMAIN_ID': text})
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('RMW_IMPLEMENTATION', 'rmw_nope'),
        ('RCUTILS_COLORIZED_OUTPUT', '7'),
        ('RCUTILS_LOGGING_USE_STDOUT', 'yes'),
        ('ROS_STATIC_PEERS', '%%%'),
        ('ROS_STATIC_PEERS', '127.0.0.1;no host'),
        ('FASTRTPS_DEFAULT_PROFILES_FILE', '/nothing.xml'),
    ],
)
def test_a_value_that_ros_does_not_take_is_named(environ, name, value, tmp_path):
    prefix = tmp_path / 'share/ament_index/resource_index/rmw_typesupport'
    prefix.mkdir(parents=True)
    (prefix / 'rmw_cyclonedds_cpp').touch()
    with pytest.raises(RosEnvironmentError, match=name) as error:
        check_ros_environment({**environ, 'AMENT_PREFIX_PATH': str(tmp_path), name: value})
    assert value.rpartition(';')[2] in str(error.value)
    assert '\n' not in str(error.value)


def test_peers_and_profiles_that_are_there_are_right(environ, tmp_path):
    profiles = tmp_path / 'p.xml'
    profiles.write_text('<dds/>')
    right = {
        'ROS_STATIC_PEERS': ';127.0.0.1;localhost;',
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(profiles),
    }
    check_ros_environment({**environ, **right})
    profiles.write_text('<dds>')
    with pytest.raises(RosEnvironmentError, match='no XML'):
        check_ros_environment({**environ, **right})


@pytest.mark.parametrize('name', ['ROS_LOG_DIR', 'ROS_HOME', 'HOME'])
def test_a_log_folder_that_cannot_be_written_is_named(name):
    with pytest.raises(RosEnvironmentError, match=f'/proc/x.*it follows from {name}'):
        check_ros_environment({name: '/proc/x'})


def test_no_place_for_a_log_is_named_unless_the_caller_has_one(environ):
    with pytest.raises(RosEnvironmentError, match='neither ROS_LOG_DIR nor HOME'):
        check_ros_environment({})
    check_ros_environment({}, own_log_folder=True)
    with pytest.raises(RosEnvironmentError, match='/proc/x'):
        check_ros_environment({'ROS_LOG_DIR': '/proc/x'}, own_log_folder=True)


@pytest.mark.parametrize('text', ['robot', '/robot/', 'a/_b2', '_'])
def test_a_namespace_comes_without_slashes_around_it(text):
    assert checked_namespace(text) == text.strip('/')


@pytest.mark.parametrize(
    'text', ['my-robot', '', '/', 'a//b', '1a', 'a/1', 'ä', 'a b', '~', 'a' * 300]
)
def test_other_namespaces_and_topics_are_refused(text):
    for checked in (checked_namespace, checked_topic):
        with pytest.raises(RosEnvironmentError, match='use letters, digits') as error:
            checked(text)
        assert repr(text) in str(error.value)


@pytest.mark.parametrize('text', ['step', '/robot/step', '~/step', '/_a/b2'])
def test_topics_may_begin_anywhere(text):
    assert checked_topic(text) == text
