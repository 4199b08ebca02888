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

from gymnasium_robotics.utils.rotations import mat2euler
from her_ros.tasks.observed import euler_angles
import numpy as np


def turn(axis, angle):
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[one, one] = matrix[two, two] = np.cos(angle)
    matrix[one, two], matrix[two, one] = -np.sin(angle), np.sin(angle)
    return matrix


def test_euler_angles_give_back_what_the_rotation_was_made_of():
    angles = np.random.default_rng(0).uniform(-1.0, 1.0, (200, 3)) * [np.pi, np.pi / 2, np.pi]
    matrices = np.array([turn(0, a) @ turn(1, b) @ turn(2, c) for a, b, c in angles])
    np.testing.assert_allclose(euler_angles(matrices), angles, atol=1e-9)


def test_euler_angles_equal_the_originals_also_where_they_are_not_unique():
    angles = np.random.default_rng(1).uniform(-4.0, 4.0, (50, 2))
    matrices = [turn(0, a) @ turn(1, c) for a, c in angles]
    for quarter in (-np.pi / 2, np.pi / 2):
        upright = np.array([turn(0, a) @ turn(1, quarter) @ turn(2, c) for a, c in angles])
        matrices += list(upright)
        upright[:, [1, 2], 2] = upright[:, 0, :2] = 0.0  # exactly, beyond what rounding leaves
        matrices += list(upright)
    matrices = np.array(matrices)
    assert euler_angles(matrices).tobytes() == mat2euler(matrices).tobytes()
