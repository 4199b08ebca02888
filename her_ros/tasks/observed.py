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

"""Observation and achieved goal of a batch of states, and Euler angles in their convention."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Observed(NamedTuple):
    """Observations and achieved goals of n environments; the arrays are not shared."""

    #: shape (n, O); the parts are named by the task's ``observation_fields``
    observation: Floats
    #: object, or gripper where there is none; metres, world frame, shape (n, 3)
    achieved_goal: Floats


def euler_angles(matrices: Floats) -> Floats:
    """
    Euler angles about the fixed axes x, y, z, applied in the order z, y, x.

    The convention of gymnasium-robotics' observations, which took it from mujoco-worldgen:
    ``R = Rx(a) @ Ry(b) @ Rz(c)`` gives (a, b, c).

    :param matrices: rotation matrices, shape (n, 3, 3)
    :return: angles, rad, shape (n, 3)
    """
    r = matrices
    cosine = np.sqrt(r[:, 2, 2] * r[:, 2, 2] + r[:, 1, 2] * r[:, 1, 2])
    # With b at a right angle only a and c together are defined: a is then 0.
    regular = cosine > 4.0 * np.finfo(np.float64).eps
    about_x = np.where(regular, -np.arctan2(r[:, 1, 2], r[:, 2, 2]), 0.0)
    about_y = -np.arctan2(-r[:, 0, 2], cosine)
    sine_z = np.where(regular, r[:, 0, 1], -r[:, 1, 0])
    cosine_z = np.where(regular, r[:, 0, 0], r[:, 1, 1])
    return np.stack([about_x, about_y, -np.arctan2(sine_z, cosine_z)], axis=-1)
