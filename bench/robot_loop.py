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
The simulated robot, the bridge's observer and a policy in one process and in simulated time.

What a robot measures is disturbed by the list of :mod:`her_ros.tasks.disturbances`. The same
happens in real time between ``simulated_robot``, ``robot_bridge`` and ``policy``
(``bench/robot.py``); here nothing depends on what else the machine does.
"""

from typing import Any

from her_ros.episodes.episode import Episode
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.bridge.observer import Observer
from her_ros.robot.bridge.prediction import CommandedMotion
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Floats, Pose
from her_ros.robot.kinematics import task_kinematics
from her_ros.robot.simulated.delay import Delay
from her_ros.robot.simulated.disturber import RobotDisturber
from her_ros.robot.simulated.robot import SimulatedRobot, start_seed
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.goal_task import GoalTask
import numpy as np

RATE_HZ = 100
# What the bridge commands for a full action, m/s, and when the robot stops by itself, s.
_FULL_ACTION_MPS, _TIMEOUT_S = 0.83, 0.1
# How long the object is seen before an episode begins, ticks.
_BEFORE = 20


class RobotLoop:
    """
    Episodes of a policy on a simulated Fetch.

    :param disturb: see :func:`~her_ros.tasks.disturbances.parse_disturbances`
    :param drawn_by: seed of what every episode draws; None: each draws its own
    """

    def __init__(
        self, task: GoalTask, policy: OnnxPolicy, disturb: str, drawn_by: int | None = None
    ) -> None:
        self._task, self._policy, self._drawn_by = task, policy, drawn_by
        self._robot = SimulatedRobot(task, _TIMEOUT_S)
        self._kinematics = task_kinematics(task)
        self.disturber = RobotDisturber(
            task, parse_disturbances(disturb), self._robot, np.random.default_rng(0)
        )
        self._period_ticks = round(task.control_period_s * RATE_HZ)
        #: squared errors of the velocities of the object in each control period, (m/s)², (3,)
        self.errors: list[Floats] = []
        #: squared errors of the observed positions of the object, predicted over latency, m², (3,)
        self.position_errors: list[Floats] = []

    def episode(self, number: int, track: Track, noise_std: float = 0.0) -> tuple[Episode, bool]:
        """
        Act through one episode.

        :param track: estimates the velocity of the object
        :param noise_std: of Gaussian exploration noise
        :return: the episode as the robot records it, and whether its goal is truly reached
        """
        robot, task, seed = self._robot, self._task, start_seed(0, number)
        random = np.random.default_rng([number, 1])
        self.disturber.begin(seed if self._drawn_by is None else self._drawn_by)
        goal = robot.reset(seed)
        motion = CommandedMotion()
        observer = self._observer = Observer(task, self._kinematics, 0.03, motion)
        observer._track = self._track = track
        self._delay: Delay[tuple[float, Any, Any]] = Delay()
        self._positions: dict[float, Floats] = {}
        seen, actions = [], []
        for tick in range(-_BEFORE, task.episode_length * self._period_ticks):
            self._sense()
            if tick >= 0 and tick % self._period_ticks == 0:
                observed = observer.observe(robot.time_s)
                action = self._policy.act(*observed, goal[None])[0]
                action = np.clip(action + random.normal(0.0, noise_std, action.shape), -1.0, 1.0)
                seen.append(observed)
                actions.append(action)
                self._note_errors(observed[1][0])
                velocity = action[:3] * _FULL_ACTION_MPS
                motion.command(velocity, robot.time_s)
                if not self.disturber.loses():
                    self.disturber.command_velocity(velocity, _TIMEOUT_S)
            self.disturber.advance(1.0 / RATE_HZ)
            robot.advance(500 // RATE_HZ)
        self._sense()
        seen.append(observer.observe(robot.time_s))
        rows = (np.concatenate(values) for values in zip(*seen, strict=True))
        recorded = Episode.from_arrays(task, *rows, goal, np.array(actions))
        pose = robot.object_pose
        reached = robot.grip_position if pose is None else pose[0]
        return recorded, bool(task.is_success(reached, goal))

    def _sense(self) -> None:
        """Measure joints and object; show the observer what arrives now."""
        robot, disturber, now_s = self._robot, self.disturber, self._robot.time_s
        joints = disturber.joint_positions(robot.joint_positions)
        if not disturber.loses():
            found = (now_s, None, (joints, robot.joint_velocities))
            self._delay.put(found, now_s + disturber.latency_s())
        if robot.object_pose is not None:
            self._positions[round(now_s, 4)] = robot.object_pose[0]
            pose = Pose(*disturber.object_pose(*robot.object_pose))
            if not disturber.loses():
                self._delay.put((now_s, pose, None), now_s + disturber.latency_s())
        for measured_s, pose, joints in self._delay.taken(now_s + 0.5 / RATE_HZ):
            if pose is None:
                self._observer.take_joints(robot.joint_names, *joints, measured_s)
            else:
                self._observer.take_object(pose, measured_s)
                self._posed_s = measured_s

    def _note_errors(self, seen: Floats) -> None:
        """
        Compare the object's estimated velocity and position with the true ones.

        The velocity is that at the time of the last pose, the position that of now.

        :param seen: the observed position, metres, world frame
        """
        if self._robot.object_pose is None:
            return
        self.position_errors.append((seen - self._robot.object_pose[0]) ** 2)
        at, before = (round(self._posed_s - each / RATE_HZ, 4) for each in (0, 1))
        if before in self._positions:
            true = (self._positions[at] - self._positions[before]) * RATE_HZ
            self.errors.append((self._track.fit()[2] - true) ** 2)
