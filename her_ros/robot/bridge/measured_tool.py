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

"""A tool whose pose is measured, so that the model of its arm is not needed."""

from her_ros.arms.description import ArmDescription
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Pose
from her_ros.robot.tool import ToolMeasurement, ToolMotion
import numpy as np
from numpy.typing import ArrayLike


class MeasuredTool(ToolMotion):
    """
    A tool whose pose the driver of the arm or tf2 tells.

    Joints of the gripper are those that joint states must hold, in the order of the description.

    :param base: pose of the base in the world
    :param source: topic that the pose comes from
    :param velocity_window_s: see :class:`~her_ros.robot.bridge.tracks.Track`
    :param detail: what is needed of that topic, in words; empty: all of it
    """

    def __init__(
        self,
        description: ArmDescription,
        base: Pose,
        source: str,
        velocity_window_s: float,
        detail: str = '',
    ) -> None:
        super().__init__(description, base, description.gripper.first_finger != '-y')
        self.source, self.detail = source, detail
        self.joint_names = description.gripper.driver_joints
        #: none of them turns without limits, shape (J,)
        self.continuous = np.zeros(len(self.joint_names), bool)
        self._track = Track(velocity_window_s)
        self._is_current = True

    def update(self, position: ArrayLike, velocity: ArrayLike) -> None:
        """Set the measured joints of the gripper: m or rad, m/s or rad/s, shape (J,) each."""
        self._set_fingers(np.array(position, np.float64), np.array(velocity, np.float64))

    def take_pose(self, pose: Pose, measured_s: float) -> None:
        """
        Add a pose of the tool; one that is not newer than the last is ignored.

        :param pose: world frame
        :param measured_s: time of the measurement, seconds
        """
        self._track.add(self._base.inverse() @ pose, measured_s)
        self._is_current = False

    def _measured(self) -> ToolMeasurement:
        # A driver may publish 1000 poses per second; the line is laid where it is needed.
        if not self._is_current:
            # Before the fit, as another thread may add a pose meanwhile.
            self._is_current = True
            position, quaternion, velocity, _ = self._track.fit()
            self._state = ToolMeasurement(position, quaternion, velocity)
        return self._state
