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

from her_ros.robot.errors import RobotError
from her_ros.robot.frames import Frames, Pose
import numpy as np
import pytest

QUARTER = np.sqrt(0.5)
# A quarter turn to the left about the vertical, and 1 m ahead.
BASE = Pose.of('base', (1.0, 0.0, 0.0), (0.0, 0.0, QUARTER, QUARTER))


def matrix(pose):
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = pose.rotation, pose.position
    return whole


def random_pose(generator):
    return Pose.of('', generator.normal(size=3), generator.normal(size=4))


def test_poses_multiply_as_matrices_do():
    generator = np.random.default_rng(0)
    for _ in range(20):
        outer, inner = random_pose(generator), random_pose(generator)
        np.testing.assert_allclose(
            matrix(outer @ inner), matrix(outer) @ matrix(inner), atol=1e-12
        )


def test_an_inverse_undoes_a_pose():
    pose = random_pose(np.random.default_rng(1))
    np.testing.assert_allclose(matrix(pose.inverse()), np.linalg.inv(matrix(pose)), atol=1e-12)


def test_the_quaternion_of_a_message_has_w_last():
    # x ahead becomes y: to the left
    np.testing.assert_allclose(BASE.rotation @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ('frame', 'expected'),
    [('', (2, 3, 4)), ('world', (2, 3, 4)), ('base', (-2, 2, 4)), ('camera', (-2, 2, 5))],
)
def test_every_known_frame_leads_to_the_world(frame, expected):
    camera = Pose.of('camera', (0.0, 0.0, 1.0))
    frames = Frames('base', BASE, {'camera': camera}.get)
    pose = frames.to_world(frame, Pose.of('goal', (2.0, 3.0, 4.0)), 'goal')
    np.testing.assert_allclose(pose.position, expected, atol=1e-12)


def test_velocities_are_turned_and_not_moved():
    frames = Frames('base', BASE)
    there = frames.to_base(np.array([0.0, 1.0, 0.5]))
    np.testing.assert_allclose(there, [1.0, 0.0, 0.5], atol=1e-12)


@pytest.mark.parametrize('lookup', [None, {}.get])
def test_an_unknown_frame_is_named(lookup):
    with pytest.raises(RobotError, match=r"goal: frame 'map' is neither 'world' nor 'base'.*tf2"):
        Frames('base', BASE, lookup).to_world('map', BASE, 'goal')


@pytest.mark.parametrize(
    ('position', 'xyzw'),
    [
        ((np.nan, 0, 0), (0, 0, 0, 1)),
        ((0, 0, 0), (0, np.inf, 0, 1)),
        ((0, 0, 0), (0, 0, 0, 0)),
        ((0, -1e300, 0), (0, 0, 0, 1)),
        ((0, 0, 0), (0, 0, 0, 1e300)),
    ],
)
def test_a_pose_that_cannot_be_is_refused(position, xyzw):
    with pytest.raises(RobotError, match='object_pose'):
        Pose.of('object_pose', position, xyzw)
