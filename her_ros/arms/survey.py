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

"""What an arm can do in its workspace: reach, manipulability and speed."""

from dataclasses import dataclass

from her_ros.arms.inverse_kinematics import InverseKinematics, RADIAN_M
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: metres, and rad of tilt, up to which a position counts as reached
REACHED_M = 2e-3
REACHED_RAD = 0.02

_POINTS_PER_AXIS = 5
#: the tool is led to a point in steps of about 2 cm; then the joints settle
_STEPS = 40
_SETTLING = 20
#: random starts of a search for joints
_TRIES = 100
#: reach is followed up to this distance from home, metres
_FARTHEST_M = 2.0
_STEP_M = 0.01


@dataclass(frozen=True)
class Survey:
    """Positions on a grid over the workspace, the tool pointing down; frame of the base."""

    #: metres, shape (N, 3)
    points: Floats
    #: rad (m if prismatic), shape (N, J)
    joints: Floats
    #: whether the tool gets there, shape (N,)
    reached: NDArray[np.bool_]
    #: smallest singular value of the Jacobian, whose angular part is multiplied with 0.25 m:
    #: m/s per rad/s, shape (N,)
    manipulability: Floats
    #: speed per axis that an action of 1 along all three axes may have, m/s, shape (N,)
    full_action_speed: Floats
    #: speed along x, y and z that the joints allow, 0 where they cannot move the tool along an
    #: axis without turning it: m/s, shape (N, 3)
    axis_speed: Floats


def survey(ik: InverseKinematics) -> Survey:
    """Lead the tool from home to a grid of points over the workspace."""
    workspace = ik.description.workspace
    axes = [
        np.linspace(low, high, _POINTS_PER_AXIS)
        for low, high in zip(workspace.low, workspace.high, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing='ij'), -1).reshape(-1, 3)
    joints = np.tile(ik.home, (len(points), 1))
    start = ik.chain.tool_pose(joints)[0]
    for share in np.linspace(0.0, 1.0, _STEPS + 1)[1:]:
        joints = ik.solve(joints, start + share * (points - start))
    for _ in range(_SETTLING):
        joints = ik.solve(joints, points)
    return Survey(
        points=points,
        joints=joints,
        reached=reached(ik, joints, points),
        manipulability=_manipulability(ik, joints),
        full_action_speed=full_action_speed(ik, joints),
        axis_speed=_speeds(ik, joints, np.eye(3)),
    )


def reached(ik: InverseKinematics, joints: Floats, points: Floats) -> NDArray[np.bool_]:
    """Tell for each state whether the tool is at a point and points down, shape (N,)."""
    position, rotation = ik.chain.tool_pose(joints)
    error = np.linalg.norm(position - points, axis=-1)
    return (error < REACHED_M) & (tilt(ik, rotation) < REACHED_RAD)


def tilt(ik: InverseKinematics, rotation: Floats) -> Floats:
    """Return the angles between axes of the tool, (..., 3, 3), and pointing down: rad, (...)."""
    # From the Frobenius norm of the difference: exact for small angles, unlike the arccosine.
    apart = np.linalg.norm(rotation - ik.down, axis=(-2, -1))
    angles: Floats = 2 * np.arcsin(np.minimum(apart / np.sqrt(8), 1.0))
    return angles


def full_action_speed(ik: InverseKinematics, joints: Floats) -> Floats:
    """
    Return the speed along each axis at which the first joint is at its limit, m/s, (N,).

    The tool moves along the diagonal that is worst for the arm, and does not turn.
    """
    corners = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]], float)
    slowest: Floats = _speeds(ik, joints, corners).min(-1)
    return slowest


def _speeds(ik: InverseKinematics, joints: Floats, velocities: Floats) -> Floats:
    """
    Return how many times each velocity the joints allow, 0 if they cannot move so, (N, D).

    :param velocities: of the tool, which does not turn: m/s, frame of the base, shape (D, 3)
    """
    jacobian = ik.chain.tool_state(joints).jacobian[..., ik.chain.commanded]
    twists = np.concatenate([velocities, np.zeros_like(velocities)], -1).T
    needed = np.linalg.pinv(jacobian, rcond=1e-6) @ twists
    is_possible = np.abs(jacobian @ needed - twists).max(-2) < 1e-6
    share = np.abs(needed / np.array(ik.description.arm.max_speeds)[:, None]).max(-2)
    return 1.0 / np.where(is_possible, share, np.inf)


def joints_at(ik: InverseKinematics, point: Floats) -> Floats | None:
    """
    Find joints with which the tool is at a point and points down; None: there are none.

    Of several solutions, return the one that leaves the tool most freedom.

    :param point: metres, frame of the base, shape (3,)
    :return: rad (m if prismatic), shape (J,)
    """
    lower, upper = ik.chain.lower, ik.chain.upper
    random = np.random.default_rng(0)
    starts = random.uniform(
        np.maximum(lower, -np.pi), np.minimum(upper, np.pi), (_TRIES, len(lower))
    )
    joints = np.where(ik.chain.commanded, np.vstack([ik.home, starts]), ik.home)
    for _ in range(2 * _SETTLING):
        joints = ik.solve(joints, point)
    found = joints[reached(ik, joints, np.tile(point, (len(joints), 1)))]
    if not len(found):
        return None
    best: Floats = found[_manipulability(ik, found).argmax()]
    return best


def reach(ik: InverseKinematics) -> tuple[Floats, Floats]:
    """
    Return the nearest and the farthest point along x that the tool reaches from home.

    :return: metres, frame of the base, shape (3,) each
    """
    home = ik.home
    start = ik.chain.tool_pose(home)[0]
    ends = []
    for step_m in (-_STEP_M, _STEP_M):
        joints, target = home, start
        while abs(target[0] - start[0]) < _FARTHEST_M:
            beyond = target + np.array([step_m, 0.0, 0.0])
            joints = ik.solve(joints, beyond)
            if not reached(ik, joints[None], beyond[None])[0]:
                break
            target = beyond
        ends.append(target)
    return ends[0], ends[1]


def _manipulability(ik: InverseKinematics, joints: Floats) -> Floats:
    jacobian = ik.chain.tool_state(joints).jacobian[..., ik.chain.commanded]
    jacobian[:, 3:] *= RADIAN_M
    return np.asarray(np.linalg.svd(jacobian, compute_uv=False)[:, -1], np.float64)
