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

import collections

from her_ros.config.files import complete, read_file, to_yaml, with_overrides
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, configured, parameters_of, values_of
import pytest


@pytest.mark.parametrize('node', NODE_PARAMETERS)
def test_every_default_keeps_its_own_limits(node):
    defaults = values_of(NODE_PARAMETERS[node]())
    assert configured(NODE_PARAMETERS[node], node, defaults) == NODE_PARAMETERS[node]()


@pytest.mark.parametrize('node', NODE_PARAMETERS)
def test_every_number_has_both_limits_and_every_parameter_a_description(node):
    for declared in parameters_of(NODE_PARAMETERS[node]).values():
        assert declared.description, declared.name
        if declared.type in (int, float, tuple):
            assert declared.minimum is not None, declared.name
            assert declared.maximum is not None, declared.name


def test_every_node_shares_the_parameters_of_the_run():
    for config in NODE_PARAMETERS.values():
        assert issubclass(config, NodeParameters)


def test_a_name_means_the_same_type_in_every_node():
    types = {}
    for config in NODE_PARAMETERS.values():
        for name, declared in parameters_of(config).items():
            assert types.setdefault(name, declared.type) is declared.type, name


def test_defaults_are_those_of_the_paper():
    """Plappert et al. 2018 (arXiv 1802.09464), appendix A, and OpenAI baselines' HER."""
    learner = LearnerParameters()
    assert learner.hidden_sizes == (256, 256, 256)
    assert learner.actor_learning_rate == learner.critic_learning_rate == 0.001
    assert learner.discount == 1 - 1 / 50
    assert (learner.batch_size, learner.her_k, learner.actor_action_l2) == (256, 4, 1.0)
    assert (learner.normalizer_input_clip, learner.normalizer_output_clip) == (200, 5)
    assert learner.normalizer_minimum_std == 0.01
    policy = PolicyParameters()
    assert (policy.exploration_noise_std, policy.exploration_random_probability) == (0.2, 0.3)


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        (
            {'priority.kind': 'td_error', 'motion_fraction': 0.5},
            'priority.kind is td_error and motion_fraction 0.5',
        ),
        (
            {'priority.kind': 'energy', 'motion_fraction': 0.1},
            'set motion_fraction 0.0 or priority.kind none',
        ),
        (
            {'agent': 'sac', 'offline_regularizer': 'td3_bc'},
            'td3_bc ties a deterministic actor',
        ),
        ({'offline_regularizer': 'wgcsl', 'her.k': 0}, 'none with her.k 0'),
        (
            {'offline_regularizer': 'gcsl', 'her.strategy': 'random'},
            'random nothing led',
        ),
    ],
)
def test_what_does_not_go_together_is_refused(values, said):
    with pytest.raises(ConfigError, match=f'^trainer: .*{said}'):
        configured(LearnerParameters, 'trainer', values)
    for name in values:
        configured(LearnerParameters, 'trainer', {name: values[name]})


def test_every_group_has_two_members_and_no_parameter_has_its_name():
    for node, config in NODE_PARAMETERS.items():
        names = list(parameters_of(config))
        groups = collections.Counter(name.split('.')[0] for name in names if '.' in name)
        assert min(groups.values(), default=2) >= 2, node
        assert not set(groups) & set(names), node


def test_a_name_is_that_of_its_field_but_for_the_dot():
    for config in NODE_PARAMETERS.values():
        for name, declared in parameters_of(config).items():
            assert declared.attribute == name.replace('.', '_')
            assert name.count('.') <= 1


@pytest.mark.parametrize('node', NODE_PARAMETERS)
def test_every_parameter_passes_through_a_file_and_an_override(node, tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text(to_yaml(complete({})))
    read = read_file(path)
    for name, value in read[node].items():
        assert name in parameters_of(NODE_PARAMETERS[node])
        assert with_overrides({node: {}}, [f'{node}.{name}={value!r}'])[node] == {name: value}


def test_about_a_dozen_parameters_are_marked_to_start_with():
    marked = [
        f'{node}.{name}'
        for node, config in NODE_PARAMETERS.items()
        for name, declared in parameters_of(config).items()
        if declared.start
    ]
    assert 8 <= len(marked) <= 14
    assert {'trainer.her.k', 'trainer.stop.success_rate', 'sim_env.num_envs'} <= set(marked)
