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

from her_ros.arms.registry import arm_named
from her_ros.robot.bridge.measured_tool import MeasuredTool
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Pose
import numpy as np
import pytest


def test_a_pose_that_comes_during_a_fit_is_not_lost(monkeypatch):
    fit = Track.fit
    tool = MeasuredTool(arm_named('six_joint'), Pose.of('', (0, 0, 0)), 'current_pose', 0.001)
    tool.take_pose(Pose.of('tool', (0.1, 0.0, 0.0)), 1.0)

    def interrupted(track):
        monkeypatch.setattr(Track, 'fit', fit)
        found = fit(track)
        tool.take_pose(Pose.of('tool', (0.2, 0.0, 0.0)), 2.0)  # as another thread does
        return found

    monkeypatch.setattr(Track, 'fit', interrupted)
    assert tool.grip_position == pytest.approx([0.1, 0.0, 0.0])
    assert tool.grip_position == pytest.approx([0.2, 0.0, 0.0])


def test_a_line_is_laid_through_the_poses_only_where_it_is_needed(monkeypatch):
    fits = []
    fit = Track.fit
    monkeypatch.setattr(Track, 'fit', lambda track: fits.append(track) or fit(track))
    base = Pose.of('base', (1.0, 0.0, 0.0))
    tool = MeasuredTool(arm_named('six_joint'), base, 'current_pose', velocity_window_s=0.2)
    velocity = np.array([0.3, -0.2, 0.1])
    for step in range(200):
        tool.take_pose(Pose.of('tool', 0.001 * step * velocity), 0.001 * step)
    assert not fits
    assert tool.grip_velocity == pytest.approx(velocity)
    assert tool.grip_position == pytest.approx(0.199 * velocity)
    tool.pose_after(velocity)
    assert len(fits) == 1
