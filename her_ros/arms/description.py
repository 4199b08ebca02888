"""Description of an arm: its model, joints, tool, gripper, workspace and driver.

One file in YAML describes an arm, see ``config/arms``. Every section is a class of this module.
Lengths are in metres and angles in radians. Positions and directions are in the axes of the
*base*: the frame of the model's body ``arm.base_body``, x forward, y to the left, z up. A world
frame, in which tasks may place the base, is no part of the description.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from her_ros.config.schema import ConfigError, configured, parameter
from her_ros.runtime.ros_environment import RosEnvironmentError, checked_topic
from her_ros.wire.topics import GRIPPER, JOINT_STATES, TOOL_POSE, TRAJECTORY, TWIST

#: commands that drivers of arms take
COMMANDS = ('twist', 'joint_trajectory', 'tool_pose')
#: in front of the names of a gripper that has a model of its own
GRIPPER_PREFIX = 'gripper/'

_LARGEST_M = 10.0
_LARGEST_JOINT = 100.0


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """Where the model of arm and gripper lies.

    A source is ``menagerie:FOLDER/FILE.xml`` of the package mujoco-menagerie,
    ``python:PACKAGE/FILE`` of an installed Python package, or the path of an MJCF or URDF file,
    relative to the description.
    """

    source: str = parameter(
        MISSING,
        'model of the arm: menagerie:FOLDER/FILE.xml, python:PACKAGE/FILE, or the path of an MJCF'
        ' or URDF file',
    )
    gripper: str = parameter(
        '',
        'model of the gripper if it is one of its own; its names then begin with gripper/',
    )
    attach_to: str = parameter('', 'site or body of the arm that the gripper is attached to')

    def __post_init__(self) -> None:
        if not self.source:
            raise ConfigError('source is empty', 'name an MJCF or URDF file')
        if bool(self.gripper) != bool(self.attach_to):
            raise ConfigError(
                'gripper and attach_to are only used together', 'give both, or neither'
            )


@dataclass(frozen=True, kw_only=True)
class ArmJoints:
    """The joints from base to tool, in this order, without the gripper's."""

    base_body: str = parameter(
        '', 'body of the model that is the base; empty: the world of the model'
    )
    joints: tuple[str, ...] = parameter(
        MISSING, 'names of the joints in the model, from base to tool'
    )
    driver_joints: tuple[str, ...] = parameter(
        (), 'names of the same joints in joint_states and trajectories; default: as in the model'
    )
    held_joints: tuple[str, ...] = parameter(
        (),
        'joints between base and tool that are measured and not commanded, such as that of a'
        ' torso',
    )
    driver_held_joints: tuple[str, ...] = parameter(
        (), 'names of these in joint_states; default: as in the model'
    )
    home: tuple[float, ...] = parameter(
        MISSING,
        'joints with which the tool points down at the middle of the workspace, rad (m if'
        ' prismatic); inverse kinematics prefer joints near these',
        minimum=-_LARGEST_JOINT,
        maximum=_LARGEST_JOINT,
    )
    max_speeds: tuple[float, ...] = parameter(
        MISSING,
        'limits of the joint speeds, rad/s (m/s if prismatic): one, or one per joint',
        minimum=1e-3,
        maximum=_LARGEST_JOINT,
    )

    def __post_init__(self) -> None:
        count = len(self.joints)
        _require_different('joints', self.joints)
        if not self.driver_joints:
            object.__setattr__(self, 'driver_joints', self.joints)
        if not self.driver_held_joints:
            object.__setattr__(self, 'driver_held_joints', self.held_joints)
        if len(self.max_speeds) == 1:
            object.__setattr__(self, 'max_speeds', self.max_speeds * count)
        for name in ('driver_joints', 'home', 'max_speeds'):
            _require_length(name, getattr(self, name), count, 'joints')
        held = len(self.held_joints)
        _require_length('driver_held_joints', self.driver_held_joints, held, 'held_joints')
        _require_different('held_joints', (*self.held_joints, *self.joints))
        _require_different('driver_joints', (*self.driver_held_joints, *self.driver_joints))


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The point between the fingertips, which tasks move, and its orientation."""

    frame: str = parameter(MISSING, 'site or body of the model that the tool is fixed to')
    offset: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        'position of the tool in the axes of frame: x, y, z, metres',
        minimum=-_LARGEST_M,
        maximum=_LARGEST_M,
        length=3,
    )
    down_rpy: tuple[float, ...] = parameter(
        (math.pi, 0.0, 0.0),
        'orientation of frame relative to the base when the tool points down and the fingers'
        ' open along y: roll, pitch, yaw as in URDF, rad',
        minimum=-2 * math.pi,
        maximum=2 * math.pi,
        length=3,
    )

    @property
    def down_quaternion(self) -> tuple[float, float, float, float]:
        """``down_rpy`` as a unit quaternion w, x, y, z: frame ``frame`` relative to the base."""
        (cr, sr), (cp, sp), (cy, sy) = (
            (math.cos(angle / 2), math.sin(angle / 2)) for angle in self.down_rpy
        )
        return (
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        )


@dataclass(frozen=True, kw_only=True)
class Gripper:
    """A parallel gripper, moved by one joint or by one joint per finger.

    Both fingers have the same distance from the middle, which depends linearly on the joints:
    ``max_opening / 2 * (joint - closed) / (open - closed)``. The joint of a linkage such as the
    2F-85 is treated alike.
    """

    joints: tuple[str, ...] = parameter(
        MISSING,
        'one joint of the model that moves both fingers, or two, one per finger, in any order',
    )
    driver_joints: tuple[str, ...] = parameter(
        (), 'names of the same joints in joint_states; default: as in the model'
    )
    closed: float = parameter(
        0.0,
        'position of each joint when the fingers touch, m or rad',
        minimum=-_LARGEST_JOINT,
        maximum=_LARGEST_JOINT,
    )
    open: float = parameter(
        MISSING,
        'position of each joint at max_opening, m or rad',
        minimum=-_LARGEST_JOINT,
        maximum=_LARGEST_JOINT,
    )
    max_opening: float = parameter(
        MISSING,
        'largest distance between the fingers, metres',
        minimum=1e-3,
        maximum=1.0,
    )
    max_force: float = parameter(
        MISSING, 'force with which each finger may grasp, N', minimum=0.1, maximum=10_000.0
    )

    def __post_init__(self) -> None:
        _require_different('joints', self.joints)
        if len(self.joints) > 2:
            raise ConfigError(
                f'joints has {len(self.joints)} names', 'give one joint, or one per finger'
            )
        if not self.driver_joints:
            object.__setattr__(self, 'driver_joints', self.joints)
        _require_length('driver_joints', self.driver_joints, len(self.joints), 'joints')
        if self.open == self.closed:
            raise ConfigError(
                f'open and closed are both {self.open:g}', 'give the joint positions of both'
            )

    @property
    def distance_per_position(self) -> float:
        """Distance of a finger from the middle, metres, per m or rad of its joint; signed."""
        return self.max_opening / 2 / (self.open - self.closed)

    @property
    def max_effort(self) -> float:
        """Force or torque of a joint at ``max_force``: N or Nm."""
        fingers = 2 / len(self.joints)
        return fingers * self.max_force * abs(self.distance_per_position)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A box above a table, both relative to the base.

    The tool may be anywhere in the box. Tasks draw goals and objects around the middle of its
    horizontal extent (for the tasks of the package up to 0.15 m from it), and up to 0.45 m above
    the table.
    """

    low: tuple[float, ...] = parameter(
        MISSING,
        'lower corner of the box that the tool stays in: x, y, z, metres, axes of the base',
        minimum=-_LARGEST_M,
        maximum=_LARGEST_M,
        length=3,
    )
    high: tuple[float, ...] = parameter(
        MISSING,
        'upper corner of that box',
        minimum=-_LARGEST_M,
        maximum=_LARGEST_M,
        length=3,
    )
    table_height: float = parameter(
        MISSING,
        'height of the table top above the base, metres; negative: below it',
        minimum=-_LARGEST_M,
        maximum=_LARGEST_M,
    )

    def __post_init__(self) -> None:
        for axis, low, high in zip('xyz', self.low, self.high, strict=True):
            if low >= high:
                raise ConfigError(
                    f'low {axis} is {low:g}, high {axis} is {high:g}', 'low must be less'
                )
        if self.low[2] < self.table_height:
            raise ConfigError(
                f'low z is {self.low[2]:g}, table_height is {self.table_height:g}',
                'the tool must stay above the table',
            )

    @property
    def centre(self) -> tuple[float, float]:
        """Horizontal middle of the box: x, y, metres, axes of the base."""
        (low_x, low_y, _), (high_x, high_y, _) = self.low, self.high
        return (low_x + high_x) / 2, (low_y + high_y) / 2


@dataclass(frozen=True, kw_only=True)
class Driver:
    """How the robot's driver is commanded and read."""

    base_frame: str = parameter('base_link', 'frame of the base in messages')
    commands: tuple[str, ...] = parameter(
        COMMANDS[:2],
        'commands for the arm that the driver takes, the preferred one first: twist,'
        ' joint_trajectory, tool_pose',
        choices=COMMANDS,
    )
    max_tool_speed: float = parameter(
        1.0,
        'limit of the speed of the tool, m/s; faster commands are slowed and keep their direction',
        minimum=0.01,
        maximum=10.0,
    )
    joint_states_topic: str = parameter(JOINT_STATES, 'topic of the measured joints')
    twist_topic: str = parameter(TWIST, 'topic of twist commands, TwistStamped')
    joint_trajectory_topic: str = parameter(TRAJECTORY, 'topic of trajectories, JointTrajectory')
    tool_pose_topic: str = parameter(TOOL_POSE, 'topic of commanded tool poses, PoseStamped')
    gripper_topic: str = parameter(
        GRIPPER, "topic of positions of the gripper's joints, Float64MultiArray"
    )

    def __post_init__(self) -> None:
        _require_different('commands', self.commands)
        for each in fields(self):
            if each.name.endswith('_topic'):
                try:
                    checked_topic(getattr(self, each.name))
                except RosEnvironmentError as error:
                    raise ConfigError.of(error, each.name) from None


@dataclass(frozen=True, kw_only=True)
class ArmDescription:
    """Description of an arm.

    :param name: as commands, contracts and bags call the arm
    :param folder: what relative paths of models are relative to
    """

    name: str
    folder: Path
    model: ModelFiles
    arm: ArmJoints
    tool: Tool
    gripper: Gripper
    workspace: Workspace
    driver: Driver


def description_of(name: str, folder: Path, document: Any) -> ArmDescription:
    """Make a checked description.

    :param document: the sections, as nested dictionaries
    :raises ConfigError: if a section, a key or a value is missing, unknown or not right
    """
    hints = get_type_hints(ArmDescription)
    sections = {each.name: hints[each.name] for each in fields(ArmDescription)}
    del sections['name'], sections['folder']
    if not isinstance(document, Mapping):
        raise ConfigError('no sections', f'an arm has the sections {", ".join(sections)}')
    if unknown := sorted(set(map(str, document)) - set(sections)):
        raise ConfigError(
            f'unknown sections {unknown}', f'an arm has the sections {", ".join(sections)}'
        )
    made: dict[str, Any] = {}
    for section, kind in sections.items():
        values = document.get(section, {})
        if not isinstance(values, Mapping):
            raise ConfigError(
                f'is {values!r}, not keys with values', 'write NAME: VALUE lines below it', section
            )
        made[section] = configured(kind, section, values)
    return ArmDescription(name=name, folder=folder, **made)


def _require_different(name: str, values: tuple[str, ...]) -> None:
    if len({*values}) < len(values):
        raise ConfigError(f'{name} names one twice: {list(values)}', 'name each once')


def _require_length(name: str, values: tuple[Any, ...], count: int, of: str) -> None:
    if len(values) != count:
        raise ConfigError(
            f'{name} has {len(values)} values, {of} has {count}', 'give one for each'
        )
