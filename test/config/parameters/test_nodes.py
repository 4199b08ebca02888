import dataclasses

import pytest

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.nodes import NODE_PARAMETERS
from her_ros.config.parameters.robot import PolicyParameters
from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, configured, parameters_of


@pytest.mark.parametrize('node', NODE_PARAMETERS)
def test_every_default_keeps_its_own_limits(node):
    defaults = dataclasses.asdict(NODE_PARAMETERS[node]())
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
    assert (learner.batch_size, learner.future_goals, learner.action_l2) == (256, 4, 1.0)
    assert (learner.observation_clip, learner.normalized_clip) == (200, 5)
    assert learner.minimum_std == 0.01
    policy = PolicyParameters()
    assert (policy.noise_std, policy.random_probability) == (0.2, 0.3)


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ({'priority': 'td_error', 'moved_share': 0.5}, 'priority is td_error and moved_share 0.5'),
        ({'priority': 'energy', 'moved_share': 0.1}, 'set moved_share 0.0 or priority none'),
        ({'agent': 'sac', 'guard': 'td3_bc'}, 'guard td3_bc ties a deterministic actor'),
        ({'guard': 'wgcsl', 'future_goals': 0}, 'none with future_goals 0'),
        ({'guard': 'gcsl', 'goal_strategy': 'random'}, 'goal_strategy random nothing led'),
    ],
)
def test_what_does_not_go_together_is_refused(values, said):
    with pytest.raises(ConfigError, match=f'^trainer: .*{said}'):
        configured(LearnerParameters, 'trainer', values)
    for name in values:
        configured(LearnerParameters, 'trainer', {name: values[name]})
