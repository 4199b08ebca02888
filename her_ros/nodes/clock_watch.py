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

"""Wake a waiting node when the wall clock was set back."""

from collections.abc import Callable
import threading
import time

from rclpy.node import Node

_PERIOD_S = 0.05
# Clocks are slewed all the time; what a wait takes longer by less than this does no harm.
_LEAST_STEP_S = 0.01


class ClockWatch:
    """
    Ends the present wait of a node when the wall clock is set back.

    The middleware waits until a wall time, even for timers of the steady clock. If the clock is
    set back by an hour meanwhile, a wait of 10 ms takes an hour, unless a message comes. A clock
    that is set forward ends waits early, and nodes wait again.

    :param node: waits for its guard conditions, too
    :param ahead_s: by how much the wall clock is ahead of the monotonic one, seconds
    """

    def __init__(
        self, node: Node, ahead_s: Callable[[], float] = lambda: time.time() - time.monotonic()
    ) -> None:
        self._ahead_s = ahead_s
        self._wake = node.create_guard_condition(lambda: None)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name='clock watch', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        before_s = self._ahead_s()
        while not self._over.wait(_PERIOD_S):
            now_s = self._ahead_s()
            if now_s < before_s - _LEAST_STEP_S:
                self._wake.trigger()
            before_s = now_s

    def close(self) -> None:
        """End the thread; before the node is destroyed."""
        self._over.set()
        self._thread.join()
