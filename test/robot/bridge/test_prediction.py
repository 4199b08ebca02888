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

from her_ros.robot.bridge.prediction import CommandedMotion
import numpy as np
import pytest

AHEAD, LEFT = np.array([0.5, 0.0, 0.0]), np.array([0.0, 0.2, 0.0])


@pytest.fixture
def motion():
    """Still, ahead from 1.00 s on, to the left from 1.04 s on."""
    made = CommandedMotion()
    made.command(np.zeros(3), 0.5)
    made.command(AHEAD, 1.0)
    made.command(LEFT, 1.04)
    return made


@pytest.mark.parametrize(
    ('age_s', 'moved', 'then'),
    [
        (0.0, (0.0, 0.0), LEFT),
        (0.01, (0.0, 0.002), LEFT),
        (0.03, (0.005, 0.004), AHEAD),
        (0.08, (0.02, 0.004), 0.0),
        # a clock of the robot's own: no older than 0.1 s, and not from the future
        (99.0, (0.02, 0.004), 0.0),
        (-1.0, (0.0, 0.0), LEFT),
    ],
)
def test_commands_give_displacement_and_velocity_change(motion, age_s, moved, then):
    found, change = motion.since(age_s, 1.06)
    np.testing.assert_allclose(found[:2], moved, atol=1e-12)
    np.testing.assert_allclose(change, LEFT - then, atol=1e-12)


def test_without_commands_nothing_moves():
    moved, change = CommandedMotion().since(0.1, 5.0)
    assert not moved.any()
    assert not change.any()


def test_what_is_long_past_is_forgotten_and_what_holds_is_not(motion):
    for k in range(100):
        motion.command(LEFT, 2.0 + 0.1 * k)
    assert len(motion._commands) < 20
    np.testing.assert_allclose(motion.since(0.05, 12.5)[0], LEFT * 0.05)
