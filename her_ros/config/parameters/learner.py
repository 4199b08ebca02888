"""Parameters of the learner: HER, its variants and the agents."""

from dataclasses import dataclass
from typing import Any

from her_ros.config.parameters.shared import NodeParameters
from her_ros.config.schema import ConfigError, configured, parameter
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

#: guards that imitate what led to relabelled goals
IMITATING = ('wgcsl', 'gcsl')


@dataclass(frozen=True)
class LearnerParameters(NodeParameters):
    """What and how the agent learns; online and offline training share it.

    The defaults are those of Plappert et al. 2018 (arXiv 1802.09464, appendix A) where they name
    one.
    """

    device: str = parameter('auto', 'where to learn', choices=('auto', 'cpu', 'cuda'))
    agent: str = parameter(
        'ddpg',
        'how it learns: ddpg (Lillicrap et al. 2016), td3 (Fujimoto et al. 2018), sac (Haarnoja et'
        ' al. 2018b); the latter two are made for critics: 2',
        choices=AGENTS,
    )
    hidden_sizes: tuple[int, ...] = parameter(
        (256, 256, 256), 'units per hidden layer', minimum=1, maximum=8192
    )
    actor_learning_rate: float = parameter(1e-3, 'Adam step size', minimum=1e-8, maximum=1.0)
    critic_learning_rate: float = parameter(1e-3, 'Adam step size', minimum=1e-8, maximum=1.0)
    discount: float = parameter(0.98, 'gamma', minimum=0.0, maximum=0.9999)
    target_update: float = parameter(
        0.05, 'tau: share of the online network taken over per update', minimum=1e-6, maximum=1.0
    )
    policy_average: float = parameter(
        1.0,
        'share of the actor taken over per update into its average, which acts and is exported;'
        ' 1.0: the actor itself (Nikishin et al. 2018)',
        minimum=1e-6,
        maximum=1.0,
    )
    action_l2: float = parameter(
        1.0,
        'weight of the mean squared action in the actor loss; of ddpg and td3',
        minimum=0.0,
        maximum=1e3,
    )
    batch_size: int = parameter(256, 'transitions per update', minimum=1, maximum=1 << 20)
    goal_strategy: str = parameter(
        'future',
        'achieved goals that become goals: those of later states of the episode, of its final'
        ' state, of any state of the episode, or of random states of any episode (Andrychowicz et'
        ' al. 2017, section 4.5)',
        choices=GOAL_STRATEGIES,
    )
    future_goals: int = parameter(
        4,
        'k: samples relabelled as goal_strategy says, per sample that keeps its goal',
        minimum=0,
        maximum=1000,
    )
    past_goals: int = parameter(
        0,
        'samples relabelled with a desired goal of any stored episode, per sample that keeps its'
        ' goal (Pitis et al. 2020, arXiv 2007.02832)',
        minimum=0,
        maximum=1000,
    )
    moved_share: float = parameter(
        0.0,
        'share of the samples drawn from states that the achieved goal later gets away from, by'
        ' more than the tolerance',
        minimum=0.0,
        maximum=1.0,
    )
    priority: str = parameter(
        'none',
        'what is drawn more often: transitions of large td_error (Schaul et al. 2016), episodes of'
        ' much energy (Zhao & Tresp 2018); only with moved_share 0.0',
        choices=('none', 'td_error', 'energy'),
    )
    priority_alpha: float = parameter(
        0.6, 'power of the TD error that is the priority', minimum=0.0, maximum=10.0
    )
    priority_beta: float = parameter(
        0.4,
        'power of the importance weights at first, for td_error; it rises to 1.0',
        minimum=0.0,
        maximum=1.0,
    )
    priority_beta_updates: int = parameter(
        100_000, 'updates after which that power is 1.0', minimum=1, maximum=1 << 40
    )
    mirror_left_right: float = parameter(
        0.0,
        "probability of a left-right reflection of a sample, at the plane of the task's symmetry",
        minimum=0.0,
        maximum=1.0,
    )
    mirror_front_back: float = parameter(
        0.0,
        "probability of a front-back reflection of a sample, at the plane of the task's symmetry",
        minimum=0.0,
        maximum=1.0,
    )
    horizontal_offset_m: float = parameter(
        0.0,
        'samples are moved along x and y by uniform offsets of up to this, metres',
        minimum=0.0,
        maximum=1e3,
    )
    goal_offset_m: float = parameter(
        0.0,
        'half of the goals that goal_strategy gives are moved along x and y by uniform offsets of'
        ' up to this, metres',
        minimum=0.0,
        maximum=1e3,
    )
    curriculum: bool = parameter(
        False,
        'choose goals among candidates: diverse ones at first, later those near the desired goals'
        ' (Fang et al. 2019)',
    )
    curriculum_candidates: int = parameter(
        4, 'goals that a curriculum chooses one from', minimum=2, maximum=64
    )
    curriculum_weight: float = parameter(
        0.01, 'lambda: weight of proximity beside diversity at first', minimum=0.0, maximum=1e9
    )
    curriculum_doubling: float = parameter(
        10_000.0, 'updates in which lambda doubles', minimum=1.0, maximum=1e12
    )
    relative_goals: bool = parameter(
        False, 'show the networks where the goal lies from what is achieved'
    )
    critic_layer_norm: bool = parameter(
        False, 'normalise the layers of the critic (Ba et al. 2016, arXiv 1607.06450)'
    )
    critics: int = parameter(
        1,
        'critics; the lowest of their targets counts (Fujimoto et al. 2018)',
        minimum=1,
        maximum=10,
    )
    target_noise_std: float = parameter(
        0.2, "td3: standard deviation of the noise on a target's action", minimum=0.0, maximum=2.0
    )
    target_noise_clip: float = parameter(0.5, 'td3: limit of that noise', minimum=0.0, maximum=2.0)
    policy_delay: int = parameter(
        2, 'td3: actor and targets move in one of so many updates', minimum=1, maximum=1000
    )
    guard: str = parameter(
        'none',
        'ties the actor to recorded actions when no new ones come: td3_bc (Fujimoto & Gu 2021),'
        ' wgcsl (Yang et al. 2022); gcsl imitates and nothing else (Ghosh et al. 2021)',
        choices=('none', 'td3_bc', 'wgcsl', 'gcsl'),
    )
    replay_capacity: int = parameter(
        1_000_000, 'states kept in the replay buffer', minimum=100, maximum=1 << 31
    )
    observation_clip: float = parameter(
        200.0, 'limit of raw observations and goals', minimum=1e-3, maximum=1e9
    )
    normalized_clip: float = parameter(
        5.0, 'limit of normalised observations and goals', minimum=1e-3, maximum=1e9
    )
    minimum_std: float = parameter(
        0.01, 'smallest standard deviation divided by', minimum=1e-9, maximum=1e9
    )

    def __post_init__(self) -> None:
        """Refuse what is right by itself, but not together.

        :raises ConfigError: naming both, and what to change
        """
        if self.moved_share and self.priority != 'none':
            raise ConfigError(
                f'priority is {self.priority} and moved_share {self.moved_share}, and each says'
                ' what is drawn',
                'set moved_share 0.0 or priority none',
            )
        if self.agent == 'sac' and self.guard != 'none':
            raise ConfigError(
                f'guard {self.guard} ties a deterministic actor, which agent sac does not have',
                'choose guard none, or agent ddpg or td3',
            )
        if self.guard in IMITATING and not self.future_goals:
            raise ConfigError(
                f'guard {self.guard} imitates what led to relabelled goals, of which there are'
                ' none with future_goals 0',
                'choose another guard, or set future_goals',
            )
        if self.guard in IMITATING and self.goal_strategy == 'random':
            raise ConfigError(
                f'guard {self.guard} imitates what led to relabelled goals, and to those of'
                ' goal_strategy random nothing led',
                'choose another guard, or another strategy',
            )


def learner_parameters(**values: Any) -> LearnerParameters:
    """Return checked parameters; what is not given keeps its default.

    :raises ConfigError: if a name is unknown, a value does not fit, or some do not fit together
    """
    return configured(LearnerParameters, 'learner', values)
