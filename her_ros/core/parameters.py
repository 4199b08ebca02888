"""The parameters of every node; each stands here once.

ROS declarations, parameter files and the command line are all checked against these classes.
"""

from dataclasses import dataclass

from her_ros.core.config import parameter
from her_ros.core.node_parameters import NodeParameters
from her_ros.core.robot_parameters import (
    PolicyParameters,
    RobotBridgeParameters,
    SimulatedRobotParameters,
)


@dataclass(frozen=True)
class FetchEnvParameters(NodeParameters):
    """Parameters of ``fetch_env``."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)
    num_envs: int = parameter(8, 'environments stepped together', minimum=1, maximum=1024)
    threads: int = parameter(1, 'threads of the physics', minimum=1, maximum=64)
    action_timeout_s: float = parameter(
        0.5, 'wait this long for actions, then send the states again', minimum=0.01, maximum=60.0
    )
    follow_collect: bool = parameter(
        True, 'start rollouts only while the trainer asks for them on collect'
    )
    real_time: bool = parameter(
        False, 'move once per control period of wall time, not as fast as possible'
    )
    publish_scene: bool = parameter(
        False, 'publish joints, poses and markers of environment 0, for RViz and Foxglove'
    )


@dataclass(frozen=True)
class RecorderParameters(NodeParameters):
    """Parameters of ``recorder``."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)


@dataclass(frozen=True)
class EvaluatorParameters(NodeParameters):
    """Parameters of ``evaluator``."""

    episodes: int = parameter(100, 'episodes per evaluation', minimum=1, maximum=100_000)
    num_envs: int = parameter(25, 'environments stepped together', minimum=1, maximum=1024)
    threads: int = parameter(2, 'threads of the physics', minimum=1, maximum=64)


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
        choices=('ddpg', 'td3', 'sac'),
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
        choices=('future', 'final', 'episode', 'random'),
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


@dataclass(frozen=True)
class TrainerParameters(LearnerParameters):
    """Parameters of ``trainer``."""

    threads: int = parameter(1, 'CPU threads of torch', minimum=1, maximum=256)
    compile_after: int = parameter(
        4000,
        'updates after which they are compiled, on the CPU; 0: never',
        minimum=0,
        maximum=1 << 40,
    )
    updates_per_step: float = parameter(
        0.4, 'updates per environment step', minimum=0.0, maximum=1e3
    )
    warm_up_steps: int = parameter(
        400, 'environment steps before the first update', minimum=0, maximum=1 << 40
    )
    max_updates_owed: int = parameter(
        400, 'hold collection while more updates than this are owed', minimum=1, maximum=1 << 31
    )
    evaluation_interval: int = parameter(
        2000, 'environment steps from one evaluation to the next', minimum=1, maximum=1 << 40
    )
    stop_success: float = parameter(
        0.95, 'stop at this success rate of an evaluation', minimum=0.0, maximum=1.0
    )
    stop_evaluations: int = parameter(
        1, 'evaluations in a row that must reach it', minimum=1, maximum=1000
    )
    max_env_steps: int = parameter(
        1_000_000, 'give up after this many environment steps', minimum=1, maximum=1 << 40
    )
    checkpoint_interval_s: float = parameter(
        60.0, 'seconds from one checkpoint to the next', minimum=1.0, maximum=86400.0
    )


NODE_PARAMETERS: dict[str, type[NodeParameters]] = {
    'fetch_env': FetchEnvParameters,
    'policy': PolicyParameters,
    'recorder': RecorderParameters,
    'evaluator': EvaluatorParameters,
    'trainer': TrainerParameters,
    'robot_bridge': RobotBridgeParameters,
    'simulated_robot': SimulatedRobotParameters,
}
