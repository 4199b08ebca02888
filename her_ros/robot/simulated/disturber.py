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

"""Disturb a simulated robot by the same list as training."""

from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.arm import SimulatedArm
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.runtime.seeds import generator
from her_ros.sim.disturbed.physics import PHYSICAL
from her_ros.tasks.disturbances import Disturbances, Drawn, neutral
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.observed import euler_angles
import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What follows from other disturbances here, or lies in the bridge.
_OF_BRIDGE = (
    'object_velocity_noise_m',
    'object_spin_noise_rad',
    'base_position_m',
    'base_yaw_deg',
)


class RobotDisturber:
    """
    Disturbs physics, measurements, messages and commands of a simulated robot.

    Values are drawn at each reset, the same ones as in an evaluation episode of its seed.

    :param robot: at a start state
    :param noise: draws the noise of measurements, and which messages are lost
    :raises DisturbanceError: if a disturbance was named by itself that does not act here
    """

    def __init__(
        self,
        task: GoalTask,
        disturbances: Disturbances,
        robot: SimulatedRobot | SimulatedArm,
        noise: np.random.Generator,
    ) -> None:
        cure = 'disturb poses instead of velocities, and base_pose of robot_bridge'
        self._disturbances = disturbances.without(_OF_BRIDGE, cure).acting_on(task)
        self._has_physical = any(name in self._disturbances.strengths for name in PHYSICAL)
        self._task, self._robot, self._noise = task, robot, noise
        self._rad_per_m = 0.0
        if 'gripper_noise_m' in self._disturbances.strengths:
            self._rad_per_m = _joint_noise_rad(task)
        #: what the present episode drew, shape (1,)
        self.drawn: Drawn = neutral(1)

    def begin(self, seed: int) -> None:
        """
        Draw the disturbances of the episode that the robot's next reset starts.

        :param seed: of the start state
        """
        random = generator(seed, 'disturbances')
        self.drawn = drawn = self._disturbances.draw(random)
        _, when, angle = random.random(3)  # in simulations the first one rounds the latency
        push_step = 1 + int(self._task.episode_length * when)
        self._push_s: float | None = push_step * self._task.control_period_s
        self._push = float(drawn['push_mps'][0, 0]) * np.array(
            [[np.cos(angle * 2 * np.pi), np.sin(angle * 2 * np.pi), 0.0]]
        )
        self._began_s: float | None = None
        self._velocity, self._motion = np.zeros(3), np.zeros(3)
        self._until_s = -np.inf
        if self._has_physical:
            self._robot.disturb(drawn)

    def command_velocity(self, velocity: Floats, timeout_s: float) -> None:
        """
        Move the robot as an arm does that moves farther, or lags behind.

        :param velocity: m/s, world frame, shape (3,)
        :param timeout_s: time after which the command expires
        """
        self._velocity = velocity * self._value('action_scale')
        self._until_s = self._robot.time_s + timeout_s
        if not self._value('arm_lag_periods'):
            self._robot.command_velocity(self._velocity)

    def end_velocity(self) -> None:
        """Forget the last velocity, as a command of another kind takes its place."""
        self._velocity, self._motion = np.zeros(3), np.zeros(3)

    @property
    def only_of_twists(self) -> list[str]:
        """Names of the present disturbances that act on twists, not on other commands."""
        names, plain = ('action_scale', 'arm_lag_periods'), neutral(1)
        return [name for name in names if self._value(name) != float(plain[name][0, 0])]

    def advance(self, seconds: float) -> None:
        """
        Push the object when it is time to, and let the arm lag; before the robot advances.

        :param seconds: simulated time that the robot is about to advance
        """
        now_s = self._robot.time_s
        if self._began_s is None and self._robot.commanded:
            self._began_s = now_s
        is_due = self._began_s is not None and self._push_s is not None
        if is_due and now_s >= self._began_s + self._push_s:  # type: ignore[operator]
            self._push_s = None
            if self._push.any():
                self._robot.push(self._push)
        lag_s = self._value('arm_lag_periods') * self._task.control_period_s
        if not lag_s:
            return
        wanted = self._velocity if now_s < self._until_s else np.zeros(3)
        self._motion = self._motion - np.expm1(-seconds / lag_s) * (wanted - self._motion)
        if np.linalg.norm(self._motion) > 1e-3:
            self._robot.command_velocity(self._motion)

    def object_pose(self, position: Floats, quaternion: Floats) -> tuple[Floats, Floats]:
        """
        Return a pose as it is measured.

        :param position: metres, shape (3,)
        :param quaternion: wxyz, shape (4,)
        """
        noise = self._noise.standard_normal((2, 3))
        measured = (
            position + self._values('object_bias_m') + self._value('object_noise_m') * noise[0]
        )
        error = self._value('object_rotation_noise_rad') * noise[1]
        error[2] += self._value('object_yaw_bias_rad')
        if not error.any():
            return measured, quaternion
        matrix, turned = np.empty(9), np.empty(4)
        mujoco.mju_quat2Mat(matrix, quaternion)
        angles = euler_angles(matrix.reshape(1, 3, 3))[0] + error
        mujoco.mju_euler2Quat(turned, angles, 'xyz')
        return measured, turned

    def tool_pose(self, position: Floats, quaternion: Floats) -> tuple[Floats, Floats]:
        """
        Return the pose of the tool as the driver tells it.

        :param position: metres, shape (3,)
        :param quaternion: wxyz, shape (4,)
        """
        noise = self._value('gripper_noise_m') * self._noise.standard_normal(3)
        return position + noise, quaternion

    def joint_positions(self, positions: Floats) -> Floats:
        """
        Return joint positions as they are measured; prismatic joints have no noise.

        :param positions: rad, or m if prismatic, shape (J,)
        """
        std_rad = self._value('gripper_noise_m') * self._rad_per_m
        noise = std_rad * self._noise.standard_normal(positions.shape)
        return positions + np.where(self._robot.turning, noise, 0.0)

    def loses(self) -> bool:
        """Draw whether the next message is lost."""
        return bool(self._noise.random() < self._value('lost_share'))

    def repeats(self) -> bool:
        """Draw whether the message before comes instead of the next one."""
        return bool(self._noise.random() < self._value('repeated_share'))

    def latency_s(self) -> float:
        """Draw the time that the next message takes, seconds."""
        jitter = self._value('latency_jitter_periods') * self._noise.random()
        return (self._value('latency_periods') + jitter) * self._task.control_period_s

    def shown(self) -> dict[str, str]:
        """Return the values that were drawn, by name, for diagnostics."""
        return {
            f'drawn_{name}': ' '.join(f'{value:.4g}' for value in self._values(name))
            for name in self._disturbances.strengths
        }

    def _values(self, name: str) -> Floats:
        values: Floats = self.drawn[name][0].astype(np.float64)
        return values

    def _value(self, name: str) -> float:
        return float(self.drawn[name][0, 0])


def _joint_noise_rad(task: GoalTask) -> float:
    """
    Return the noise of every revolute joint that moves the gripper by 1 m per coordinate.

    At the arm's home, in the mean of the three coordinates.
    """
    jacobian = task_kinematics(task).turning_jacobian
    return float((3.0 / (jacobian**2).sum()) ** 0.5)
