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

from pathlib import Path

from her_ros.config.files import complete, read_file, read_run_file, read_yaml, with_overrides
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.robot import SimulatedRobotParameters
from her_ros.config.renamed import present_name, RENAMED
from her_ros.config.run_parameters import renew_names
from her_ros.config.schema import ConfigError, configured, parameters_of
from her_ros.runtime.run_folder import RunFolder
import pytest

# The complete parameters of a run from before any of them was renamed.
EARLIER = Path(__file__).parents[1] / 'data' / 'first_parameter_names.yaml'


def test_the_parameters_of_a_run_from_before_the_renaming_are_read_whole():
    earlier = read_yaml(EARLIER, '')
    found = read_run_file(EARLIER)
    for node, config in NODE_PARAMETERS.items():
        known = parameters_of(config)
        section = '/**/fetch_env' if node == 'sim_env' else f'/**/{node}'
        values = earlier[section]['ros__parameters']
        expected = {present_name(name, known): values[name] for name in values}
        if node == 'robot_bridge':
            assert expected['command.output'] == 'trajectory'
            expected['command.output'] = 'joint_trajectory'
        if node == 'simulated_robot':
            assert values['latency_s'] == 0.01
            expected['disturb'] = 'latency_periods:0.25'
        assert found[node] == expected
    # Parameters that came later have their defaults.
    whole = complete(found)
    assert found == {
        node: {name: whole[node][name] for name in own} for node, own in found.items()
    }
    assert (found['trainer']['her.k'], found['trainer']['discount']) == (8, 0.95)


FETCH_ENV = '/**/fetch_env:\n  ros__parameters: {num_envs: 24, disturb_share: 0.5}\n'


def test_the_section_of_a_node_by_its_earlier_name_is_read_and_written_anew(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(f'{FETCH_ENV}/**/trainer:\n  ros__parameters: {{tau: 0.1}}\n')
    found = read_run_file(path)
    assert found['sim_env'] == {'num_envs': 24, 'disturb_share': 0.5}
    assert found['trainer'] == {'tau': 0.1}
    renew_names(RunFolder(tmp_path))
    assert 'fetch_env' not in path.read_text()
    assert read_file(path) == found


def test_a_users_file_with_the_earlier_name_of_a_node_is_answered_by_the_present_one(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(FETCH_ENV)
    with pytest.raises(ConfigError) as caught:
        read_file(path)
    assert str(caught.value) == (
        f'{path}: section /**/fetch_env: the node fetch_env is called sim_env now;'
        ' write /**/sim_env instead'
    )


def test_a_node_under_both_of_its_names_is_refused(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(FETCH_ENV + FETCH_ENV.replace('fetch_env', 'sim_env'))
    with pytest.raises(ConfigError, match=r'/sim_env is given twice, once as .*fetch_env; delete'):
        read_run_file(path)


def test_an_override_of_a_node_by_its_earlier_name_is_answered_by_the_present_one():
    with pytest.raises(ConfigError) as caught:
        with_overrides({'sim_env': {}}, ['fetch_env.num_envs=24'])
    assert str(caught.value) == (
        "'fetch_env.num_envs=24': the node fetch_env is called sim_env now;"
        ' write sim_env.num_envs=24 instead'
    )


def test_a_parameter_under_both_of_its_names_is_refused(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**/trainer:\n  ros__parameters: {future_goals: 8, her.k: 3}\n')
    with pytest.raises(ConfigError, match=r'her\.k is given twice, once as future_goals; delete'):
        read_run_file(path)


@pytest.mark.parametrize('prefix', ['', 'faults.'])
def test_faults_of_the_simulated_robot_are_disturbances_now(tmp_path, prefix):
    path = tmp_path / 'params.yaml'
    values = {'object_noise_m': 0.02, 'joint_noise_rad': 0.011, 'latency_s': 0.0}
    text = ''.join(f'    {prefix}{name}: {value}\n' for name, value in values.items())
    path.write_text(f'/**/simulated_robot:\n  ros__parameters:\n{text}')
    found = read_run_file(path)['simulated_robot']
    assert found == {'disturb': 'object_noise_m:2,gripper_noise_m:1'}
    with pytest.raises(
        ConfigError, match='write disturb=object_noise_m:2,gripper_noise_m:1 instead'
    ):
        read_file(path)


def test_every_renamed_parameter_was_one_and_is_one_now():
    earlier = {
        name for section in read_yaml(EARLIER, '').values() for name in section['ros__parameters']
    } | {'explore'}
    present = {name for config in NODE_PARAMETERS.values() for name in parameters_of(config)}
    assert set(RENAMED) <= earlier
    assert set(RENAMED.values()) <= present
    assert len(set(RENAMED.values())) == len(RENAMED)


def test_the_file_of_an_earlier_run_is_written_anew_once(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(EARLIER.read_text().replace('fetch_env', 'sim_env'))
    renamed = 'write follow_collection_enabled instead of follow_collect'
    with pytest.raises(ConfigError, match=f'sim_env: .*; {renamed}'):
        read_file(path)
    path.write_bytes(EARLIER.read_bytes())
    renew_names(RunFolder(tmp_path))
    assert read_file(path) == read_run_file(EARLIER)
    renewed = path.stat()
    renew_names(RunFolder(tmp_path))
    assert path.stat() == renewed


def test_an_earlier_name_of_a_value_is_read_and_written_anew(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**/robot_bridge:\n  ros__parameters:\n    output: trajectory\n')
    assert read_run_file(path)['robot_bridge'] == {'command.output': 'joint_trajectory'}
    renew_names(RunFolder(tmp_path))
    assert read_file(path)['robot_bridge'] == {'command.output': 'joint_trajectory'}


def test_an_earlier_name_of_a_value_is_refused_with_the_present_one(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(
        '/**/robot_bridge:\n  ros__parameters:\n    command:\n      output: trajectory\n'
    )
    with pytest.raises(ConfigError, match=r"'trajectory'; .*nearest: joint_trajectory"):
        read_file(path)


def test_what_is_wrong_beside_its_names_is_not_written_anew(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**/trainer:\n  ros__parameters:\n    future_goals: -1\n')
    with pytest.raises(ConfigError, match=r'her\.k is -1; it must lie in'):
        renew_names(RunFolder(tmp_path))
    assert 'future_goals' in path.read_text()


@pytest.mark.parametrize(
    ('values', 'cure'),
    [
        (
            {'faults.latency_s': 0.08, 'object_noise_m': 0.01},
            'write disturb=latency_periods:2,object_noise_m:1 instead of'
            ' faults.latency_s, object_noise_m',
        ),
        ({'faults.drop_probability': 0.0}, 'leave out faults.drop_probability'),
        ({'faults.latency_s': 'much', 'sed': 1}, 'write seed instead of sed, leave out faults'),
    ],
)
def test_the_cure_for_an_earlier_fault_names_the_disturbance_and_its_strength(values, cure):
    with pytest.raises(ConfigError) as caught:
        configured(SimulatedRobotParameters, 'simulated_robot', values)
    assert caught.value.cure.startswith(cure)
