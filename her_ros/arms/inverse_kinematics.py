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

"""Joints that bring the tool to a position while it points down."""

from her_ros.arms.chain import JointChain, ToolState
from her_ros.arms.description import ArmDescription
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ITERATIONS = 4
#: metres of error that weigh as much as 1 rad
RADIAN_M = 0.25
#: λ² is _DAMPING plus this share of the squared error
_DAMPING = 1e-5
_ERROR_SHARE = 0.05
#: largest change of a joint in one iteration, rad or m
_LARGEST_STEP = 0.5
#: part of the way home that joints go in each iteration as far as the tool is not moved
_HOMEWARD = 0.1
#: largest of these changes: rad or m, and that much more per metre of error
_SLOWLY = 0.01
_QUICKLY = 1.0

_ONE = np.eye(6)


class InverseKinematics:
    """
    Inverse kinematics of an arm, for many states at once.

    The tool keeps the orientation ``tool.down_rpy``. Joint limits hold. An arm with more than six
    joints stays near its home. A target out of reach gives a position near it, without jumps.
    Joints are those of the chain; those that are not commanded stay as they are.

    :param tolerance_m: error that ends the iterations, metres, and with 0.25 m rad
    """

    def __init__(
        self, description: ArmDescription, model: mujoco.MjModel, tolerance_m: float = 2e-4
    ) -> None:
        self.description = description
        self.chain = chain = JointChain(description, model)
        self._tolerance = tolerance_m**2
        #: rad (m if prismatic), shape (J,)
        self.home = chain.reference.copy()
        self.home[chain.commanded] = description.arm.home
        # Six joints leave no freedom once the tool has its pose.
        self._redundant = len(description.arm.joints) > 6
        self._max_speeds = np.full(len(self.home), np.inf)
        self._max_speeds[chain.commanded] = description.arm.max_speeds
        down = np.empty(9)
        mujoco.mju_quat2Mat(down, np.array(description.tool.down_quaternion))
        #: axes of the tool that points down, as columns, shape (3, 3)
        self.down = down.reshape(3, 3)

    def solve(self, joints: ArrayLike, position: ArrayLike, axes: Floats | None = None) -> Floats:
        """
        Return joints with which the tool is at a position and points down.

        :param joints: to begin with, rad (m if prismatic), shape (..., J)
        :param position: of the tool, metres, frame of the base, shape (..., 3)
        :param axes: another orientation of the tool, see ``down``
        :return: joints within their limits, shape (..., J)
        """
        found = self._within(np.asarray(joints, np.float64))
        best, target = found, np.asarray(position, np.float64)
        smallest, caution = np.array(np.inf), np.array(1.0)
        for iteration in range(_ITERATIONS + 1):
            state = self.chain.tool_state(found)
            state.jacobian[..., 3:, :] *= RADIAN_M
            error = self._error(state, target, self.down if axes is None else axes)
            squared = (error * error).sum(-1)
            worse = squared >= smallest
            if not iteration or not worse.any():
                best, smallest, jacobian, present = found, squared, state.jacobian, error
            else:  # step again from where it was, more carefully
                best = np.where(worse[..., None], best, found)
                smallest = np.where(worse, smallest, squared)
                jacobian = np.where(worse[..., None, None], jacobian, state.jacobian)
                present = np.where(worse[..., None], present, error)
                caution = caution * np.where(worse, 10.0, 1.0)
            if iteration == _ITERATIONS or (iteration and smallest.max() < self._tolerance):
                break
            damping = _DAMPING + caution * _ERROR_SHARE * smallest
            found = self._step(best, jacobian, present, damping)
            if iteration:  # a finished state stays, so that it does not depend on the others
                found = np.where((smallest < self._tolerance)[..., None], best, found)
        return best

    def joints_after(
        self,
        joints: ArrayLike,
        displacement: ArrayLike,
        period_s: float,
        max_speed: float | None = None,
        axes: Floats | None = None,
    ) -> Floats:
        """
        Return joints that displace the tool within a time, within the limits of their speeds.

        If a joint would be too fast, the changes of all are scaled down by the same factor.

        :param joints: present ones, rad (m if prismatic), shape (..., J)
        :param displacement: metres, axes of the base, shape (..., 3)
        :param max_speed: limit of every joint, rad/s (m/s); None: those of the description
        :param axes: see :meth:`solve`
        :return: joints at the end of the time, shape (..., J)
        """
        present = np.asarray(joints, np.float64)
        target = self.chain.tool_pose(present)[0] + np.asarray(displacement, np.float64)
        change = self.solve(present, target, axes) - present
        speeds = self._max_speeds if max_speed is None else max_speed
        needed = (np.abs(change) / (period_s * speeds)).max(-1, keepdims=True)
        return present + change / np.maximum(needed, 1.0)

    def _error(self, state: ToolState, target: Floats, axes: Floats) -> Floats:
        """Return the error in position, and in orientation as a rotation vector, (..., 6)."""
        difference = axes @ np.swapaxes(state.rotation, -1, -2)
        error = np.empty((*state.position.shape[:-1], 6))
        error[..., :3] = target - state.position
        for row, (one, two) in enumerate(((2, 1), (0, 2), (1, 0))):
            error[..., 3 + row] = difference[..., one, two] - difference[..., two, one]
        turn = error[..., 3:]
        sine = np.sqrt((turn * turn).sum(-1)) / 2
        trace = difference[..., 0, 0] + difference[..., 1, 1] + difference[..., 2, 2]
        angle = np.arctan2(sine, (trace - 1) / 2)
        turn *= (angle / np.maximum(2 * sine, 1e-9) * RADIAN_M)[..., None]
        return error

    def _step(self, joints: Floats, jacobian: Floats, error: Floats, damping: Floats) -> Floats:
        """
        Compute one step of damped least squares, dq = Jᵀ(JJᵀ + λ²1)⁻¹(e - J z) + z.

        z leads home. The damping grows with the error, so that the steps are small where a
        target cannot be reached and as large as Newton's near the solution (Sugihara 2011,
        "Solvability-Unconcerned Inverse Kinematics by the Levenberg-Marquardt Method", eq. 16).
        A joint that would pass its limit stops there, and the others do the rest.
        """
        weighed = damping[..., None, None] * _ONE
        home = np.zeros_like(joints)
        if self._redundant:
            most = _SLOWLY + _QUICKLY * np.abs(error).max(-1, keepdims=True)
            home = np.minimum(np.maximum(_HOMEWARD * (self.home - joints), -most), most)
            home *= self.chain.commanded
        free = np.zeros(joints.shape, bool) | self.chain.commanded
        change, part = home, jacobian * self.chain.commanded
        result, unfinished = joints, np.ones((*joints.shape[:-1], 1), bool)
        for _ in self.home:
            rest = error - (jacobian @ change[..., None])[..., 0]
            transposed = np.swapaxes(part, -1, -2)
            squares = part @ transposed + weighed
            change = change + (transposed @ np.linalg.solve(squares, rest[..., None]))[..., 0]
            largest = np.abs(change).max(-1, keepdims=True)
            change *= _LARGEST_STEP / np.maximum(largest, _LARGEST_STEP)
            reached = joints + change
            passing = free & ((reached < self.chain.lower) | (reached > self.chain.upper))
            result = np.where(unfinished, reached, result)
            unfinished &= passing.any(-1, keepdims=True)
            if not unfinished.any():
                break
            free &= ~passing
            part = jacobian * free[..., None, :]
            change = np.where(free, home, self._within(reached) - joints)
        return self._within(result)

    def _within(self, joints: Floats) -> Floats:
        within: Floats = np.minimum(np.maximum(joints, self.chain.lower), self.chain.upper)
        return within
