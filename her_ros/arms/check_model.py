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

"""Check the names, joints and ranges of a description against its model."""

from collections.abc import Iterator

from her_ros.arms.description import ArmDescription
from her_ros.runtime.registry import choose_one
import mujoco

_FREE, _BALL = mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtJoint.mjJNT_BALL
_SLIDE = mujoco.mjtJoint.mjJNT_SLIDE
#: rounded positions of a description may exceed limits by this, rad or m
_ROUNDING = 1e-3


def wrong_names(arm: ArmDescription, spec: mujoco.MjSpec) -> list[str]:
    """Return one line for each joint and body that the model lacks, or that cannot be used."""
    bodies = [each.name for each in spec.bodies]
    frames = [*(each.name for each in spec.sites), *bodies]
    joints = {each.name: each for each in spec.joints}
    wanted = [
        ('arm.base_body', 'body', (arm.arm.base_body,) * bool(arm.arm.base_body), bodies),
        ('arm.joints', 'joint', arm.arm.joints, joints),
        ('arm.held_joints', 'joint', arm.arm.held_joints, joints),
        ('tool.frame', 'site or body', (arm.tool.frame,), frames),
        ('gripper.joints', 'joint', arm.gripper.joints, joints),
    ]
    faults = [
        f'{field}: the model has no {kind} {name!r}; {choose_one(name, filter(None, known))}'
        for field, kind, names, known in wanted
        for name in names
        if name not in known
    ]
    for name, joint in joints.items():
        if joint.type in (_FREE, _BALL):
            kind = 'free (floating)' if joint.type == _FREE else 'ball'
            faults.append(
                f'model: joint {name!r} is a {kind} joint; fix the base to the world, and use'
                ' joints that turn or slide'
            )
    return faults


def wrong_chain(arm: ArmDescription, spec: mujoco.MjSpec, model: mujoco.MjModel) -> Iterator[str]:
    """Yield one line for each joint that does not belong between base and tool, or is missing."""
    followed = {
        each.name1: each.name2
        for each in spec.equalities
        if each.type == mujoco.mjtEq.mjEQ_JOINT and each.name2
    }
    for name in arm.arm.joints:
        if leader := followed.get(name):
            yield f'arm.joints: {name!r} follows {leader!r} (mimic) and cannot be commanded'
    between = _joints_between(arm, model)
    if between is None:
        yield (
            f'arm.base_body: {arm.arm.base_body!r} does not carry tool.frame {arm.tool.frame!r};'
            ' name a body from which the arm rises'
        )
        return
    known = (*arm.arm.joints, *arm.arm.held_joints)
    for name in known:
        if name not in between:
            yield f'arm.joints: {name!r} does not move {arm.tool.frame!r}; remove it'
    for name in between:
        if name not in known:
            follows = f'; it follows {followed[name]!r}' if name in followed else ''
            yield (
                f'arm.joints: {name!r} lies between base and tool and is not named{follows}; add'
                ' it, or name it in arm.held_joints'
            )
    for name in arm.gripper.joints:
        if name in between:
            yield f'gripper.joints: {name!r} is a joint of the arm; name the joints of the fingers'
    ours = [name for name in arm.arm.joints if name in between]
    if ours != (theirs := [name for name in between if name in ours]):
        yield f'arm.joints: the order is {ours}; from base to tool it is {theirs}'


def wrong_ranges(arm: ArmDescription, model: mujoco.MjModel) -> Iterator[str]:
    """Yield one line for each position that a joint cannot have."""
    for field, names, values in (
        ('arm.home', arm.arm.joints, arm.arm.home),
        ('gripper.closed', arm.gripper.joints, (arm.gripper.closed,) * 2),
        ('gripper.open', arm.gripper.joints, (arm.gripper.open,) * 2),
    ):
        for name, value in zip(names, values, strict=False):
            joint = model.joint(name)
            low, high = joint.range
            if joint.limited[0] and not low - _ROUNDING <= value <= high + _ROUNDING:
                yield f'{field}: {value:g} is out of the range [{low:g}, {high:g}] of {name!r}'
    for name in arm.arm.joints:
        if model.joint(name).type[0] == _SLIDE and not model.joint(name).limited[0]:
            yield f'arm.joints: {name!r} slides without limits; give its range in the model'


def joints_without_limits(arm: ArmDescription, model: mujoco.MjModel) -> Iterator[str]:
    """Yield one line for each joint that turns without end."""
    for name in arm.arm.joints:
        joint = model.joint(name)
        if joint.type[0] != _SLIDE and not joint.limited[0]:
            yield f'arm.joints: {name!r} has no limits; give its range in the model if it has one'


def _joints_between(arm: ArmDescription, model: mujoco.MjModel) -> list[str] | None:
    """Return the joints from base to tool; None: the base does not carry the tool."""
    try:
        body = int(model.site(arm.tool.frame).bodyid[0])
    except KeyError:
        body = model.body(arm.tool.frame).id
    base = model.body(arm.arm.base_body or 0).id
    found: list[str] = []
    while body != base:
        if body == 0:
            return None
        first, count = model.body_jntadr[body], model.body_jntnum[body]
        found = [model.joint(i).name for i in range(first, first + count)] + found
        body = int(model.body_parentid[body])
    return found
