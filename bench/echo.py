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
Measure the round trip of DDS between two processes that only echo messages.

``topics.py`` starts both ends, ``ask`` and ``answer``; the messages are as large as ``step`` and
``action``. Before it asks, ``ask`` works for a while on more memory than a core's caches hold, as
a simulation does: it leaves them cold, and the other core asleep. It prints round trips in ms.

Run: ``python bench/echo.py ask|answer NUM_ENVS ROUND_TRIPS WORK_MS``
"""

import json
import time

from her_ros.nodes.node import run
from her_ros.nodes.qos import LOCK_STEP
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import action_dtype, step_dtype
from her_ros.wire.topics import ACTION, STEP
import numpy as np
from options import at_least, Options, whole
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

TASK = TASKS['FetchPush']
WARM_UP = 50


class Answer(Node):
    """Answers every ``step`` with the same ``action``."""

    def __init__(self, num_envs: int) -> None:
        super().__init__('answer')
        action = encode_cloud(np.zeros(num_envs, action_dtype(TASK)), 0)
        publisher = self.create_publisher(PointCloud2, ACTION, LOCK_STEP)
        self.create_subscription(
            PointCloud2, STEP, lambda _: publisher.publish(action), LOCK_STEP, raw=True
        )


class Ask(Node):
    """Sends a ``step``, waits for its ``action``, works, and so on."""

    def __init__(self, num_envs: int, round_trips: int, work_s: float) -> None:
        super().__init__('ask')
        self._step = encode_cloud(np.zeros(num_envs, step_dtype(TASK)), 0)
        self._round_trips, self._work_s = round_trips, work_s
        self._memory = np.zeros(1 << 20)
        self._times: list[float] = []
        self._asked = 0.0
        self._publisher = self.create_publisher(PointCloud2, STEP, LOCK_STEP)
        self.create_subscription(PointCloud2, ACTION, self._on_action, LOCK_STEP, raw=True)
        self._start = self.create_timer(0.2, self._on_time)

    def _on_time(self) -> None:
        if self._publisher.get_subscription_count() and self.count_publishers(ACTION):
            self._start.cancel()
            self._ask()

    def _ask(self) -> None:
        end = time.perf_counter() + self._work_s
        while time.perf_counter() < end:
            self._memory.sum()
        self._asked = time.perf_counter()
        self._publisher.publish(self._step)

    def _on_action(self, _: bytes) -> None:
        self._times.append(1e3 * (time.perf_counter() - self._asked))
        if len(self._times) < WARM_UP + self._round_trips:
            self._ask()
        else:
            print(json.dumps(self._times[WARM_UP:]), flush=True)
            rclpy.shutdown()


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('end', choices=('ask', 'answer'))
    parser.add_argument('num_envs', type=whole(1))
    parser.add_argument('round_trips', type=whole(1))
    parser.add_argument('work_ms', type=at_least(0.0))
    options = parser.parse_args()
    if options.end == 'ask':
        run(lambda: Ask(options.num_envs, options.round_trips, 1e-3 * options.work_ms))
    run(lambda: Answer(options.num_envs))


if __name__ == '__main__':
    main()
