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
Compare estimates of an object's velocity: a line through its last poses, a Kalman filter.

A shipped policy acts on what the bridge's observer makes of disturbed measurements
(``bench/robot_loop.py``). So success shows what an estimate is worth, and errors are those that
occur while a policy acts. Needs ``pip install filterpy``.

Run: ``python bench/estimates.py [--task FetchPush] [--episodes 100]``
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from her_ros.analysis.results import wilson_interval
from her_ros.config.files import shipped_model
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.bridge.tracks import Track
from her_ros.robot.frames import Floats, Pose
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
import numpy as np
from options import Options, whole
from robot_loop import RobotLoop
from table import print_table

WINDOWS_S = (0.03, 0.06, 0.1, 0.15, 0.2)
# Standard deviations of the object's acceleration, m/s².
ACCELERATIONS = (2.0, 8.0, 16.0, 32.0, 64.0)


class KalmanTrack(Track):
    """
    Position and velocity by a Kalman filter, with a velocity that changes at random.

    :param noise_m: standard deviation of each coordinate of a pose
    :param acceleration: standard deviation of the object's acceleration, m/s²
    """

    def __init__(self, noise_m: float, acceleration: float) -> None:
        super().__init__(0.1)
        self._noise_m, self._acceleration = max(noise_m, 1e-4), acceleration
        self._filters: list[Any] = []
        self._time_s = -np.inf

    def add(self, pose: Pose, time_s: float) -> None:
        """Add a pose; one that is not newer than the last is ignored."""
        from filterpy.common import Q_discrete_white_noise

        super().add(pose, time_s)
        if time_s <= self._time_s:
            return
        if not self._filters:
            self._begin(pose)
        else:
            gap_s = time_s - self._time_s
            for each, measured in zip(self._filters, pose.position, strict=True):
                each.F = np.array([[1.0, gap_s], [0.0, 1.0]])
                each.Q = Q_discrete_white_noise(2, gap_s, self._acceleration**2)
                each.predict()
                each.update(measured)
        self._time_s = time_s

    def _begin(self, pose: Pose) -> None:
        from filterpy.kalman import KalmanFilter

        self._filters = []
        for measured in pose.position:
            each = KalmanFilter(dim_x=2, dim_z=1)
            each.x = np.array([measured, 0.0])
            each.H = np.array([[1.0, 0.0]])
            each.R = np.array([[self._noise_m**2]])
            each.P = np.diag([self._noise_m**2, 0.01**2])
            self._filters.append(each)

    def fit(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the estimates of position and velocity; turns are those of a line."""
        _, quaternion, _, spin = super().fit()
        position = np.array([float(np.ravel(each.x)[0]) for each in self._filters])
        velocity = np.array([float(np.ravel(each.x)[1]) for each in self._filters])
        return position, quaternion, velocity, spin


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--task', default='FetchPush')
    parser.add_argument('--model', type=Path, help='default: the shipped one')
    parser.add_argument('--episodes', type=whole(1), default=100)
    parser.add_argument(
        '--disturb', default='object_noise_m,latency_periods,lost_share', help='disturbances'
    )
    options = parser.parse_args()
    task = task_named(options.task)
    generator = np.random.default_rng(0)
    policy = OnnxPolicy.load(options.model or shipped_model(options.task), task)
    noise_m = float(parse_disturbances(options.disturb).draw(generator)['object_noise_m'][0, 0])
    tracks: dict[str, Callable[[], Track]] = {
        **{f'line over {w:g} s': partial(Track, w) for w in WINDOWS_S},
        **{f'Kalman filter, {a:g} m/s²': partial(KalmanTrack, noise_m, a) for a in ACCELERATIONS},
    }
    rows = []
    for name, make in tracks.items():
        loop = RobotLoop(task, policy, options.disturb)
        found = [loop.episode(number, make())[1] for number in range(options.episodes)]
        low, high = wilson_interval(sum(found), len(found))
        errors = [_rms(each) for each in (loop.errors, loop.position_errors)]
        rows.append((name, *errors, float(np.mean(found)), f'{low:.2f} to {high:.2f}'))
        print(rows[-1], flush=True)
    columns = ('velocity error, m/s', 'position error, m', 'success', '95 % interval')
    print_table(options.task, columns, rows)


def _rms(squares: list[Floats]) -> float:
    """Return the root of the mean squared distance, of squares by coordinate."""
    return float(np.sqrt(np.mean(np.sum(squares, axis=1))))


if __name__ == '__main__':
    main()
