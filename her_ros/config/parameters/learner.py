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

"""Parameters of the learner: HER, its variants and the agents."""

from dataclasses import dataclass
from typing import Any

from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, configured, parameter, parameters_of
from her_ros.runtime.registry import Registry

#: agents: what makes an :class:`~her_ros.learning.agents.actor_critic.Algorithm` of a task and
#: the parameters below
AGENTS: Registry[Any] = Registry(
    'agent',
    'her_ros.agents',
    {
        'ddpg': 'her_ros.learning.agents.agent:Ddpg',
        'td3': 'her_ros.learning.agents.td3:Td3',
        'sac': 'her_ros.learning.agents.sac:Sac',
    },
)
#: goal strategies: each a :class:`~her_ros.learning.replay.goals.GoalStrategy`
GOAL_STRATEGIES: Registry[Any] = Registry(
    'goal strategy',
    'her_ros.goal_strategies',
    {
        name: f'her_ros.learning.replay.goals:{name.upper()}'
        for name in ('future', 'final', 'episode', 'random')
    },
)

#: offline regularizers that imitate what led to relabelled goals
IMITATING = ('wgcsl', 'gcsl')


@dataclass(frozen=True)
class LearnerParameters(NodeParameters):
    """
    Agent, replay buffer, HER and optimisation; online and offline training share them.

    The defaults are those of Plappert et al. 2018 (arXiv 1802.09464, appendix A) where they name
    one.
    """

    device: str = parameter('auto', 'where to learn', choices=('auto', 'cpu', 'cuda'))
    agent: str = parameter(
        'ddpg',
        'how it learns: ddpg (Lillicrap et al. 2016), td3 (Fujimoto et al. 2018), sac (Haarnoja et'
        ' al. 2018b); the latter two are made for critic.count: 2',
        choices=AGENTS,
        start=True,
    )
    start_from: str = parameter(
        '',
        'policy file (.onnx) or run folder to start from: weights and normalisers; a run folder'
        ' also has the critics; empty: random weights',
    )
    hidden_sizes: tuple[int, ...] = parameter(
        (256, 256, 256), 'units per hidden layer', minimum=1, maximum=8192, start=True
    )
    actor_learning_rate: float = parameter(
        1e-3, 'Adam step size', minimum=1e-8, maximum=1.0, group='actor'
    )
    actor_ema: float = parameter(
        1.0,
        'share of the actor taken over per update into its average, which acts and is exported;'
        ' 1.0: the actor itself (Nikishin et al. 2018)',
        minimum=1e-6,
        maximum=1.0,
        group='actor',
    )
    actor_action_l2: float = parameter(
        1.0,
        'weight of the mean squared action in the actor loss; of ddpg and td3',
        minimum=0.0,
        maximum=1e3,
        group='actor',
    )
    actor_hold_updates: int = parameter(
        2000,
        'where start_from is a policy file, which has no critics: updates in which only the'
        ' critics learn',
        minimum=0,
        maximum=1 << 40,
        group='actor',
    )
    critic_learning_rate: float = parameter(
        1e-3, 'Adam step size', minimum=1e-8, maximum=1.0, group='critic'
    )
    critic_layer_norm: bool = parameter(
        False,
        'normalise the layers of the critic (Ba et al. 2016, arXiv 1607.06450)',
        group='critic',
    )
    critic_count: int = parameter(
        1,
        'critics; the lowest of their targets counts (Fujimoto et al. 2018)',
        minimum=1,
        maximum=10,
        group='critic',
    )
    discount: float = parameter(0.98, 'gamma', minimum=0.0, maximum=0.9999, start=True)
    tau: float = parameter(
        0.05, 'tau: share of the online network taken over per update', minimum=1e-6, maximum=1.0
    )
    batch_size: int = parameter(
        256, 'transitions per update', minimum=1, maximum=1 << 20, start=True
    )
    her_strategy: str = parameter(
        'future',
        'achieved goals that become goals: those of later states of the episode, of its final'
        ' state, of any state of the episode, or of random states of any episode (Andrychowicz et'
        ' al. 2017, section 4.5)',
        choices=GOAL_STRATEGIES,
        group='her',
        start=True,
    )
    her_k: int = parameter(
        4,
        'samples relabelled as her.strategy says, per sample that keeps its goal',
        minimum=0,
        maximum=1000,
        group='her',
        start=True,
    )
    her_past_goal_k: int = parameter(
        0,
        'samples relabelled with a desired goal of any stored episode, per sample that keeps its'
        ' goal (Pitis et al. 2020, arXiv 2007.02832)',
        minimum=0,
        maximum=1000,
        group='her',
    )
    her_goal_offset_m: float = parameter(
        0.0,
        'half of the goals that her.strategy gives are moved along x and y by uniform offsets of'
        ' up to this, metres',
        minimum=0.0,
        maximum=1e3,
        group='her',
    )
    motion_fraction: float = parameter(
        0.0,
        'share of the samples drawn from states that the achieved goal later gets away from, by'
        ' more than the tolerance',
        minimum=0.0,
        maximum=1.0,
    )
    priority_kind: str = parameter(
        'none',
        'what is drawn more often: transitions of large td_error (Schaul et al. 2016), episodes of'
        ' much energy (Zhao & Tresp 2018); only with motion_fraction 0.0',
        choices=('none', 'td_error', 'energy'),
        group='priority',
    )
    priority_alpha: float = parameter(
        0.6,
        'power of the TD error that is the priority',
        minimum=0.0,
        maximum=10.0,
        group='priority',
    )
    priority_beta: float = parameter(
        0.4,
        'power of the importance weights at first, for td_error; it rises to 1.0',
        minimum=0.0,
        maximum=1.0,
        group='priority',
    )
    priority_beta_updates: int = parameter(
        100_000,
        'updates after which that power is 1.0',
        minimum=1,
        maximum=1 << 40,
        group='priority',
    )
    symmetry_left_right: float = parameter(
        0.0,
        "probability of a left-right reflection of a sample, at the plane of the task's symmetry",
        minimum=0.0,
        maximum=1.0,
        group='symmetry',
    )
    symmetry_front_back: float = parameter(
        0.0,
        "probability of a front-back reflection of a sample, at the plane of the task's symmetry",
        minimum=0.0,
        maximum=1.0,
        group='symmetry',
    )
    symmetry_offset_m: float = parameter(
        0.0,
        'samples are moved along x and y by uniform offsets of up to this, metres',
        minimum=0.0,
        maximum=1e3,
        group='symmetry',
    )
    curriculum_enabled: bool = parameter(
        False,
        'choose goals among candidates: diverse ones at first, later those near the desired goals'
        ' (Fang et al. 2019)',
        group='curriculum',
    )
    curriculum_candidates: int = parameter(
        4, 'goals that a curriculum chooses one from', minimum=2, maximum=64, group='curriculum'
    )
    curriculum_weight: float = parameter(
        0.01,
        'lambda: weight of proximity beside diversity at first',
        minimum=0.0,
        maximum=1e9,
        group='curriculum',
    )
    curriculum_doubling_updates: float = parameter(
        10_000.0, 'updates in which lambda doubles', minimum=1.0, maximum=1e12, group='curriculum'
    )
    relative_goals: bool = parameter(
        False, 'show the networks where the goal lies from what is achieved'
    )
    truth: str = parameter(
        'none',
        'use of the truth that disturbed episodes hold. none: refuse them; rewards: rewards and'
        ' goals follow from it; critic: the critics also see it (Pinto et al. 2017, arXiv'
        ' 1710.06542)',
        choices=('none', 'rewards', 'critic'),
    )
    td3_noise_std: float = parameter(
        0.2,
        "standard deviation of the noise on a target's action",
        minimum=0.0,
        maximum=2.0,
        group='td3',
    )
    td3_noise_clip: float = parameter(
        0.5, 'limit of that noise', minimum=0.0, maximum=2.0, group='td3'
    )
    td3_policy_delay: int = parameter(
        2,
        'actor and targets move in one of so many updates',
        minimum=1,
        maximum=1000,
        group='td3',
    )
    offline_regularizer: str = parameter(
        'none',
        'ties the actor to recorded actions when no new ones come: td3_bc (Fujimoto & Gu 2021),'
        ' wgcsl (Yang et al. 2022); gcsl imitates and nothing else (Ghosh et al. 2021)',
        choices=('none', 'td3_bc', 'wgcsl', 'gcsl'),
    )
    replay_capacity: int = parameter(
        1_000_000, 'states kept in the replay buffer', minimum=100, maximum=1 << 31
    )
    normalizer_input_clip: float = parameter(
        200.0, 'limit of raw observations and goals', minimum=1e-3, maximum=1e9, group='normalizer'
    )
    normalizer_output_clip: float = parameter(
        5.0,
        'limit of normalised observations and goals',
        minimum=1e-3,
        maximum=1e9,
        group='normalizer',
    )
    normalizer_minimum_std: float = parameter(
        0.01,
        'smallest standard deviation divided by',
        minimum=1e-9,
        maximum=1e9,
        group='normalizer',
    )

    @property
    def starts_without_critics(self) -> bool:
        """Whether training starts from a trained actor and random critics."""
        return self.start_from.endswith('.onnx')

    def __post_init__(self) -> None:
        """
        Refuse values that do not go together.

        :raises ConfigError: naming both, and what to change
        """
        if self.motion_fraction and self.priority_kind != 'none':
            raise ConfigError(
                f'priority.kind is {self.priority_kind} and motion_fraction'
                f' {self.motion_fraction}, and each says what is drawn',
                'set motion_fraction 0.0 or priority.kind none',
            )
        if self.agent == 'sac' and self.offline_regularizer != 'none':
            raise ConfigError(
                f'offline_regularizer {self.offline_regularizer} ties a deterministic actor, which'
                ' agent sac does not have',
                'choose offline_regularizer none, or agent ddpg or td3',
            )
        if self.offline_regularizer in IMITATING and not self.her_k:
            raise ConfigError(
                f'offline_regularizer {self.offline_regularizer} imitates what led to relabelled'
                ' goals, of which there are none with her.k 0',
                'choose another offline_regularizer, or set her.k',
            )
        if self.offline_regularizer in IMITATING and self.her_strategy == 'random':
            raise ConfigError(
                f'offline_regularizer {self.offline_regularizer} imitates what led to relabelled'
                ' goals, and to those of her.strategy random nothing led',
                'choose another offline_regularizer, or another strategy',
            )


def learner_parameters(**values: Any) -> LearnerParameters:
    """
    Return checked parameters; what is not given keeps its default.

    :param values: by field, such as ``her_k=8`` for the parameter ``her.k``
    :raises ConfigError: if a name is unknown, a value does not fit, or some do not fit together
    """
    names = {each.attribute: each.name for each in parameters_of(LearnerParameters).values()}
    return configured(
        LearnerParameters, 'learner', {names.get(key, key): value for key, value in values.items()}
    )
