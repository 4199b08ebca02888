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

"""
Sections of an arm's description about its mechanics: model, joints, tool and gripper.

Lengths are in metres and angles in radians, in the axes of the base
(:mod:`her_ros.arms.description`).
"""

from dataclasses import dataclass, MISSING
import math
from typing import Any

from her_ros.config.schema import ConfigError, parameter

#: in front of the names of a gripper that has a model of its own
GRIPPER_PREFIX = 'gripper/'

#: largest length in a description, metres
LARGEST_M = 10.0
_LARGEST_JOINT = 100.0


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """
    Where the model of arm and gripper lies.

    A source is ``menagerie:FOLDER/FILE.xml`` of the package mujoco-menagerie,
    ``python:PACKAGE/FILE`` of an installed Python package, the path of an MJCF or URDF file,
    relative to the description, or ``robot_description``, the URDF that a robot publishes on this
    topic, from which only ``robot_bridge`` can compute.
    """

    source: str = parameter(
        MISSING,
        'model of the arm: menagerie:FOLDER/FILE.xml, python:PACKAGE/FILE, the path of an MJCF'
        ' or URDF file, or robot_description, the topic, for a real robot only',
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
        require_different('joints', self.joints)
        if not self.driver_joints:
            object.__setattr__(self, 'driver_joints', self.joints)
        if not self.driver_held_joints:
            object.__setattr__(self, 'driver_held_joints', self.held_joints)
        if len(self.max_speeds) == 1:
            object.__setattr__(self, 'max_speeds', self.max_speeds * count)
        for name in ('driver_joints', 'home', 'max_speeds'):
            require_length(name, getattr(self, name), count, 'joints')
        held = len(self.held_joints)
        require_length('driver_held_joints', self.driver_held_joints, held, 'held_joints')
        require_different('held_joints', (*self.held_joints, *self.joints))
        require_different('driver_joints', (*self.driver_held_joints, *self.driver_joints))


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The point between the fingertips, which tasks move, and its orientation."""

    frame: str = parameter(MISSING, 'site or body of the model that the tool is fixed to')
    offset: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        'position of the tool in the axes of frame: x, y, z, metres',
        minimum=-LARGEST_M,
        maximum=LARGEST_M,
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
    """
    A parallel gripper, moved by one joint or by one joint per finger.

    Both fingers have the same distance from the middle, which depends linearly on the joints:
    ``max_opening / 2 * (joint - closed) / (open - closed)``. The joint of a linkage such as the
    2F-85 is treated alike.
    """

    joints: tuple[str, ...] = parameter(
        MISSING,
        'one joint of the model that moves both fingers, or two, one per finger, in any order',
    )
    first_finger: str = parameter(
        '',
        "side of the finger that the first of two joints moves when the tool points down: '+y' or"
        " '-y' of the base; empty: as the model shows, and +y where the bridge has none",
        choices=('', '+y', '-y'),
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
    open: float = parameter(  # noqa: A003
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
        require_different('joints', self.joints)
        if len(self.joints) > 2:
            raise ConfigError(
                f'joints has {len(self.joints)} names', 'give one joint, or one per finger'
            )
        if not self.driver_joints:
            object.__setattr__(self, 'driver_joints', self.joints)
        require_length('driver_joints', self.driver_joints, len(self.joints), 'joints')
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


def require_different(name: str, values: tuple[str, ...]) -> None:
    """
    Check that a list names nothing twice.

    :raises ConfigError: if it does
    """
    if len({*values}) < len(values):
        raise ConfigError(f'{name} names one twice: {list(values)}', 'name each once')


def require_length(name: str, values: tuple[Any, ...], count: int, of: str) -> None:
    """
    Check that a list has as many values as another one.

    :raises ConfigError: if it does not
    """
    if len(values) != count:
        raise ConfigError(
            f'{name} has {len(values)} values, {of} has {count}', 'give one for each'
        )
