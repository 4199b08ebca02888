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

import os
import time

from her_ros.config.files import (
    complete,
    Difference,
    differences,
    read_file,
    shipped_file,
    shipped_model,
    to_yaml,
    with_overrides,
)
from her_ros.config.parameters.nodes import NODE_PARAMETERS, TrainerParameters
from her_ros.config.schema import ConfigError, configured, parameters_of
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.registry import TASKS
import pytest


@pytest.fixture
def values():
    return read_file(shipped_file('FetchReach'))


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / 'params.yaml'
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize('task', TASKS)
def test_every_task_has_a_file_and_it_is_of_that_task(task):
    values = read_file(shipped_file(task))
    assert {own['task'] for own in values.values()} == {task}
    assert set(values) == set(NODE_PARAMETERS)


def test_a_task_without_a_file_is_named():
    with pytest.raises(ConfigError, match="'FetchTea'"):
        shipped_file('FetchTea')


def test_numbers_are_what_rcl_reads(write):
    path = write(
        '/**/trainer:\n  ros__parameters:\n    actor.action_l2: 1e2\n'
        '    actor:\n      learning_rate: 1e-3\n'
        '    critic.learning_rate: .5\n    hidden_sizes: [1, 2]\n'
    )
    values = read_file(path)['trainer']
    assert values == {
        'actor.action_l2': 100.0,
        'actor.learning_rate': 0.001,
        'critic.learning_rate': 0.5,
        'hidden_sizes': [1, 2],
    }


def test_the_nearer_section_wins(write):
    path = write(
        '/**:\n  ros__parameters:\n    seed: 3\n/**/trainer:\n  ros__parameters:\n    seed: 4\n'
    )
    values = read_file(path)
    assert values['trainer']['seed'] == 4
    assert values['policy']['seed'] == 3


@pytest.mark.parametrize(
    ('text', 'parts'),
    [
        ('/**/trianer:\n  ros__parameters:\n    seed: 3\n', ['/**/trianer', '/**/trainer']),
        ('trainer:\n  ros__parameters:\n    seed: 3\n', ["['trainer']"]),
        ('/**/trainer:\n  ros_parameters:\n    seed: 3\n', ['/**/trainer', 'ros__parameters']),
        ('/**/trainer:\n  ros__parameters:\n    sede: 3\n', ['trainer', "['sede']", 'seed']),
        ('/**/trainer:\n  ros__parameters:\n    discount: 2\n', ['discount', '2.0', '0.9999']),
        ('/**/trainer:\n  ros__parameters:\n    discount: 1.5\n', ['discount', '1.5', '0.9999']),
        ('/**/trainer:\n  ros__parameters:\n    device: tpu\n', ["'tpu'", 'cuda']),
        (
            '/**/policy:\n  ros__parameters:\n    exploration.enabled: 1\n',
            ['exploration.enabled', 'true or false'],
        ),
        ('/**:\n  ros__parameters:\n    num_envs: 4\n', ["['num_envs']"]),
        ('/**:\n  ros__parameters:\n    seed: 3\n    seed: 4\n', ['seed']),
        ('/**: [', ['not YAML']),
        ('', ['no sections']),
        ('3', ['no sections']),
        ('/**/trainer:\n  ros__parameters:\n', ['/**/trainer']),
    ],
)
def test_what_is_not_right_is_one_line_that_names_file_and_fault(write, text, parts):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        read_file(path)
    message = str(caught.value)
    assert '\n' not in message
    for part in (str(path), *parts):
        assert part in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'nothing\.yaml: cannot be read'):
        read_file(tmp_path / 'nothing.yaml')


def test_a_file_of_bytes_is_refused(tmp_path):
    (tmp_path / 'bytes.yaml').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ConfigError, match=r'bytes\.yaml: not YAML'):
        read_file(tmp_path / 'bytes.yaml')


def test_overrides_change_one_node_or_all(values):
    changed = with_overrides(
        values, ['trainer.discount=0.5', 'seed=7', 'trainer.hidden_sizes=[3, 4]', 'policy.seed=8']
    )
    assert changed['trainer']['discount'] == 0.5
    assert changed['trainer']['hidden_sizes'] == [3, 4]
    assert [changed[node]['seed'] for node in ('trainer', 'recorder', 'policy')] == [7, 7, 8]
    assert values['trainer']['seed'] == 0  # what came in stays as it was
    assert set(changed) == set(NODE_PARAMETERS)


@pytest.mark.parametrize(
    ('override', 'parts'),
    [
        ('discount', ["'discount'", 'NODE.PARAMETER=VALUE']),
        ('trianer.seed=3', ['trianer', 'trainer']),
        ('trainer.sede=3', ["['sede']"]),
        ('trainer.discount=2.0', ['discount', '2.0']),
        ('trainer.discount=1', ['discount is 1.0', '0.9999']),
        ('trainer.discount=', ['discount']),
        ('trainer.discount=[', ['YAML']),
        ('num_envs=3', ['NODE.PARAMETER=VALUE']),
        ('', ['NODE.PARAMETER=VALUE']),
    ],
)
def test_overrides_that_do_not_fit_are_refused(values, override, parts):
    with pytest.raises(ConfigError) as caught:
        with_overrides(values, [override])
    for part in parts:
        assert part in str(caught.value)


def test_overrides_of_nodes_that_a_command_has_not_are_refused(values):
    nodes = ['policy', 'robot_bridge']
    changed = with_overrides(values, ['policy.watchdog.deadline_s=1', 'seed=3'], nodes)
    assert changed['policy']['watchdog.deadline_s'] == 1
    with pytest.raises(ConfigError, match='no node trainer; it has policy, robot_bridge'):
        with_overrides(values, ['trainer.batch_size=128'], nodes)


def test_complete_says_every_parameter_that_the_launcher_does_not_give(values):
    full = complete(values)
    for node, config in NODE_PARAMETERS.items():
        left_out = set(parameters_of(config)) - set(full[node])
        assert left_out <= {'run_dir', 'worker', 'exploration.enabled'}
        assert configured(config, node, full[node]) == configured(config, node, values[node])
    assert full['trainer']['batch_size'] == TrainerParameters().batch_size


def test_what_is_written_is_what_is_read(tmp_path, values):
    path = tmp_path / 'params.yaml'
    full = complete(
        with_overrides(values, ['trainer.normalizer.minimum_std=1e-9', 'task=FetchReach'])
    )
    path.write_text(to_yaml(full))
    assert read_file(path) == full


def test_differences_name_both_values(values):
    changed = with_overrides(values, ['trainer.discount=0.5', 'policy.exploration.noise_std=0.1'])
    found = differences(values, changed)
    assert found == [
        Difference('policy.exploration.noise_std', None, 0.1),
        Difference('trainer.discount', 0.98, 0.5),
    ]
    assert str(found[1]) == 'trainer.discount: 0.98 → 0.5'
    assert not differences(values, values)


@pytest.mark.parametrize('override', ['run_dir=/tmp', 'recorder.run_dir=/tmp', 'policy.worker=3'])
def test_what_the_launcher_gives_cannot_be_overridden(override):
    with pytest.raises(ConfigError, match='gives'):
        with_overrides(read_file(shipped_file('FetchReach')), [override])


BOMB = 'a0: &a0 [1]\n' + ''.join(f'a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n' for n in range(40))


@pytest.mark.parametrize(
    'content',
    [
        '[' * 100_000, '{a: ' * 10_000, '- ' * 10_000, 'a:\n' + ' ? ' * 5000, BOMB,
        'a' * 100_000, '/**/trainer: 2001-99-99', '/**/trainer: !!binary x', '!!omap [7]', '\0',
        '/**/trainer: {ros__parameters: &x {self: *x}}',
        '/**/trainer: {ros__parameters: {batch_size: ' + '9' * 5000 + '}}',
    ],
)  # fmt: skip
def test_hostile_files_and_values_are_one_line_at_once(write, values, content):
    path = write(content)
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r'params\.yaml: ') as caught:
        read_file(path)
    with pytest.raises(ConfigError):
        with_overrides(values, [f'trainer.batch_size={content}'])
    assert time.monotonic() - began < 5.0
    assert '\n' not in str(caught.value)


def test_a_file_that_is_none_is_named(tmp_path):
    os.mkfifo(tmp_path / 'params.yaml')
    with pytest.raises(HerRosError, match=r'params\.yaml: not a regular file'):
        read_file(tmp_path / 'params.yaml')


def test_a_task_on_any_arm_has_the_model_of_the_fetch_unless_there_is_one_of_its_own(
    monkeypatch, tmp_path
):
    monkeypatch.setattr('her_ros.config.shipped.shipped_folders', lambda: [tmp_path])
    fetch, own = (tmp_path / 'models' / name / 'policy.onnx' for name in ('FetchPush', 'Push'))
    with pytest.raises(ConfigError, match=r"^no model for task 'Push' .*; name one with --model"):
        shipped_model('Push')
    for model in (fetch, own):
        model.parent.mkdir(parents=True)
        model.touch()
        assert shipped_model('Push') == model
    with pytest.raises(ConfigError, match=r"^no model for task 'gym:HandReach-v3'"):
        shipped_model('gym:HandReach-v3')
