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

from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Pose
import numpy as np
import pytest

VELOCITY, SPIN = np.array([0.3, -0.2, 0.1]), np.array([0.5, 0.2, -1.0])


def at(time_s, noise=0.0):
    """Return a body that moves and turns evenly."""
    turn = SPIN * time_s
    angle = np.linalg.norm(turn)
    axis = turn / angle if angle else np.zeros(3)
    xyzw = (*(axis * np.sin(angle / 2)), np.cos(angle / 2))
    return Pose.of('', VELOCITY * time_s + noise, xyzw)


def followed(window_s, times, noises=None):
    track = Track(window_s)
    for index, time_s in enumerate(times):
        track.add(at(time_s, 0.0 if noises is None else noises[index]), time_s)
    return track


@pytest.mark.parametrize('window_s', [0.01, 0.05, 0.2])
def test_even_motion_is_found_exactly_over_any_window(window_s):
    times = np.arange(0.0, 0.3, 0.01)
    position, quaternion, velocity, spin = followed(window_s, times).fit()
    last = at(times[-1])
    np.testing.assert_allclose(position, last.position, atol=1e-12)
    np.testing.assert_allclose(quaternion, last.quaternion, atol=1e-12)
    np.testing.assert_allclose(velocity, VELOCITY, atol=1e-9)
    # the axis of an even turn is the same from every pose of it
    np.testing.assert_allclose(spin, SPIN, atol=1e-9)


def test_uneven_times_and_lost_poses_change_nothing():
    *_, velocity, _ = followed(0.1, [0.0, 0.01, 0.04, 0.05, 0.09]).fit()
    np.testing.assert_allclose(velocity, VELOCITY, atol=1e-9)


def test_a_longer_window_averages_noise():
    generator = np.random.default_rng(0)
    errors = {}
    for window_s in (0.01, 0.1):
        found = []
        for _ in range(200):
            times = np.arange(0.0, 0.2, 0.01)
            noises = generator.normal(scale=0.01, size=(len(times), 3))
            found.append(followed(window_s, times, noises).fit()[2] - VELOCITY)
        errors[window_s] = np.std(found)
    # Of a line through n points at distance h the slope's deviation is σ√(12 / (n(n²-1))) / h:
    # two points 1.41 m/s, eleven points 0.095 m/s.
    assert errors[0.01] == pytest.approx(1.41, rel=0.1)
    assert errors[0.1] == pytest.approx(0.095, rel=0.1)


def test_what_is_older_is_left_out_and_after_a_gap_nothing_is_known():
    track = followed(0.02, [0.0, 0.01, 0.02])
    track.add(at(-1.0), 0.005)
    np.testing.assert_allclose(track.fit()[2], VELOCITY, atol=1e-9)
    track.add(Pose.of('', (9.0, 9.0, 9.0)), 5.0)
    position, _, velocity, spin = track.fit()
    np.testing.assert_array_equal(position, [9.0, 9.0, 9.0])
    assert not velocity.any()
    assert not spin.any()


def test_what_was_put_elsewhere_by_hand_is_at_rest():
    track = followed(0.02, [0.0, 0.01])
    track.rest()
    position, _, velocity, spin = track.fit()
    np.testing.assert_array_equal(position, at(0.01).position)
    assert not velocity.any()
    assert not spin.any()
    track.add(at(0.02), 0.02)
    np.testing.assert_allclose(track.fit()[2], VELOCITY, atol=1e-9)
