"""Parameters of the nodes that run on a robot."""

from dataclasses import dataclass

from her_ros.config.parameters.shared import DISTURB, NodeParameters
from her_ros.config.schema import parameter
from her_ros.runtime.states import Recovery


@dataclass(frozen=True)
class SafetyParameters:
    """Bounds of the actions that leave ``policy`` in deployment, in units of the action limit."""

    safety_max_action: float = parameter(
        1.0,
        'largest action in any component',
        minimum=0.0,
        maximum=1.0,
        group='safety',
    )
    safety_max_action_change: float = parameter(
        1.0,
        'largest change of a component per control period',
        minimum=1e-3,
        maximum=2.0,
        group='safety',
    )
    safety_max_action_acceleration: float = parameter(
        2.0,
        'largest change of that change per control period',
        minimum=1e-3,
        maximum=4.0,
        group='safety',
    )
    safety_workspace: tuple[float, ...] = parameter(
        (1.05, 0.4, 0.38, 1.6, 1.1, 1.0),
        'box that the gripper is kept in: least x, y, z, then greatest; metres, world frame',
        minimum=-100.0,
        maximum=100.0,
        length=6,
        group='safety',
    )
    safety_ramp_s: float = parameter(
        0.2,
        'seconds in which the largest action grows from 0, after activation and after a stop',
        minimum=0.0,
        maximum=60.0,
        group='safety',
    )


@dataclass(frozen=True)
class WatchdogParameters:
    """Deadlines after which ``policy`` stops acting by itself, in deployment."""

    watchdog_deadline_s: float = parameter(
        0.1,
        'stop when no fresh observation came for so long within an episode',
        minimum=0.001,
        maximum=60.0,
        group='watchdog',
    )
    watchdog_recovery: str = parameter(
        'automatic',
        'after a stop: automatic acts again with fresh observations, latched with the next'
        ' activation',
        choices=(Recovery.AUTOMATIC, Recovery.LATCHED),
        group='watchdog',
    )
    watchdog_clock_tolerance_s: float = parameter(
        0.02,
        'refuse stamps that lie in the future by more',
        minimum=0.0,
        maximum=60.0,
        group='watchdog',
    )
    watchdog_request_deadline: bool = parameter(
        False,
        'ask the publisher of step for watchdog.deadline_s as quality of service; without that'
        ' offer nothing is received',
        group='watchdog',
    )


@dataclass(frozen=True)
class RealTimeParameters:
    """Scheduling, cores and memory that ``policy`` asks the operating system for."""

    realtime_scheduler_priority: int = parameter(
        0,
        'priority under SCHED_FIFO, one less than that of the watchdog; 0: the normal scheduler',
        minimum=0,
        maximum=98,
        group='realtime',
    )
    realtime_cpu_affinity: tuple[int, ...] = parameter(
        (-1,),
        'cores to run on; -1: any',
        minimum=-1,
        maximum=1023,
        group='realtime',
    )
    realtime_lock_memory: bool = parameter(
        False,
        'keep all memory in RAM',
        group='realtime',
    )
    realtime_collect_between_steps: bool = parameter(
        False,
        'freeze what is loaded, and collect garbage after an answer, never within one',
        group='realtime',
    )


@dataclass(frozen=True)
class PolicyParameters(NodeParameters, SafetyParameters, WatchdogParameters, RealTimeParameters):
    """Parameters of ``policy``; the defaults of the noise are those of OpenAI baselines' HER."""

    worker: int = parameter(0, 'number of this worker in the run', minimum=0, maximum=999)
    autostart: bool = parameter(True, 'configure and activate at start')
    deployment: bool = parameter(
        True,
        'act behind safety filter and watchdog, as on a robot; false: within the limits, in'
        ' lock-step with a simulation',
    )
    model: str = parameter(
        '', 'ONNX file to act with; a new one acts from the next episode on', live=True
    )
    model_sha256: str = parameter(
        '', 'SHA-256 that the next file must have; empty: any', live=True
    )
    accept_policies: bool = parameter(False, 'take policies from the policy topic too')
    accept_arm: bool = parameter(
        False, 'take policies that were trained for the task on another arm too'
    )
    verify_key: str = parameter(
        '', 'Ed25519 public key, PEM: only policies signed with its other half act; empty: any'
    )
    exploration_enabled: bool = parameter(
        False,
        'act with exploration noise',
        group='exploration',
    )
    exploration_noise_std: float = parameter(
        0.2,
        'standard deviation of the Gaussian noise, of the action limit',
        minimum=0.0,
        maximum=1.0,
        start=True,
        group='exploration',
    )
    exploration_random_probability: float = parameter(
        0.3,
        'share of the actions that are uniformly random',
        minimum=0.0,
        maximum=1.0,
        start=True,
        group='exploration',
    )
    exploration_hold_steps: int = parameter(
        1,
        'steps for which a random action is held',
        minimum=1,
        maximum=1000,
        group='exploration',
    )


@dataclass(frozen=True)
class RobotBridgeParameters(NodeParameters):
    """Parameters of ``robot_bridge``."""

    command_output: str = parameter(
        '',
        'commands for the arm: twist for MoveIt Servo, joint_trajectory for ros2_control, or'
        " tool_pose; empty: the first of driver.commands of the arm's description",
        choices=('', 'twist', 'joint_trajectory', 'tool_pose'),
        group='command',
    )
    command_full_action_speed_mps: float = parameter(
        0.83,
        'speed commanded for a full action, metres per second; 0.83 is what it means in training',
        minimum=0.01,
        maximum=1.25,  # 0.05 m per control period, for which the policy's workspace is checked
        group='command',
    )
    command_twist_units: str = parameter(
        'speed',
        'twists in m/s, or unitless: in [-1, 1] of command.unitless_scale_mps',
        choices=('speed', 'unitless'),
        group='command',
    )
    command_unitless_scale_mps: float = parameter(
        0.4,
        "Servo's linear scale, metres per second",
        minimum=0.001,
        maximum=10.0,
        group='command',
    )
    base_frame: str = parameter(
        '', "frame of the robot, in which it is commanded; empty: that of the arm's description"
    )
    base_pose: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        'pose of base_frame in the world that the policy was trained in: x, y, z, metres, then'
        " quaternion x, y, z, w; all 0: as the workspace of the arm's description says",
        minimum=-100.0,
        maximum=100.0,
        length=7,
    )
    tool_source: str = parameter(
        'joint_states',
        'what tells where the tool is: joint_states and the model of the arm, or current_pose, a'
        ' pose of the tool that the driver publishes; then no model is needed',
        choices=('joint_states', 'current_pose'),
    )
    command_max_joint_speed: float = parameter(
        0.0,
        "limit of a joint in a trajectory, rad/s; 0: the limits of the arm's description",
        minimum=0.0,
        maximum=10.0,
        group='command',
    )
    timeout_input_s: float = parameter(
        0.1,
        'inputs older than this are late; stamps further ahead are refused',
        minimum=0.005,
        maximum=10.0,
        group='timeout',
    )
    timeout_policy_s: float = parameter(
        0.5,
        'give an episode up when the policy has answered nothing, or the bridge itself stood'
        ' still, for so long',
        minimum=0.08,
        maximum=60.0,
        group='timeout',
    )
    timeout_goal_s: float = parameter(
        10.0,
        'a goal expires when its episode cannot begin for so long, as the policy does not answer',
        minimum=0.1,
        maximum=3600.0,
        group='timeout',
    )
    recovery: str = parameter(
        'latched',
        'after a crash or silence of policy, robot or bridge within an episode: latched waits for'
        ' a goal or ~/reset, automatic begins again with the same goal if all are back within'
        ' timeout.goal_s',
        choices=(Recovery.LATCHED, Recovery.AUTOMATIC),
    )
    velocity_window_s: float = parameter(
        0.03,
        'time over which a line is laid through poses of the object, for its velocity; longer'
        ' where the poses are noisy',
        minimum=0.001,
        maximum=1.0,
    )
    compensate_latency: bool = parameter(
        True,
        'show the gripper where its commands have led it since it was measured; for an arm that'
        ' follows them without lag',
    )
    episode_steps: int = parameter(
        0, 'control periods of an episode; 0: as in training', minimum=0, maximum=100_000
    )
    success_steps: int = parameter(
        10,
        'end an episode after so many successful control periods in a row; 0: never',
        minimum=0,
        maximum=100_000,
    )
    home: bool = parameter(
        False,
        'bring the gripper to where training starts before each episode, at 0.25 m/s at most',
    )


@dataclass(frozen=True)
class SimulatedRobotParameters(NodeParameters):
    """Parameters of ``simulated_robot``."""

    rate_hz: int = parameter(
        100, 'sensor messages per second; divides 500', minimum=1, maximum=500
    )
    command_timeout_s: float = parameter(
        0.1,
        'stop by itself so long after the last command; commands stamped further in the past or'
        ' in the future are ignored',
        minimum=0.01,
        maximum=10.0,
    )
    publish_scene: bool = parameter(
        True, 'publish gripper pose and markers, for RViz and Foxglove'
    )
    publish_tool_pose: bool = parameter(
        False, 'publish the pose of the tool on current_pose, as some drivers do'
    )
    disturb: str = parameter('', DISTURB)
