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

"""Find the nodes of a run by their diagnostics."""

import math
import re
import time

from diagnostic_msgs.msg import DiagnosticArray
from her_ros.nodes.messages import stamp_ns_of
from her_ros.nodes.qos import STATUS
from her_ros.orchestration.command_node import ros_node
from her_ros.orchestration.graph import FIRST_JOINED
from her_ros.runtime.errors import one_line
from her_ros.wire.topics import DIAGNOSTICS
from rclpy.executors import SingleThreadedExecutor

# How long to wait for the trainer, which may be starting; Fast DDS announces participants every
# 3 s.
_PATIENCE_S = 30.0
# Nodes report once per second, so this hears all that are there.
_ALL_HEARD_S = 2.2
# A node that was not heard for longer has left.
_LIFETIME_S = 5.0


class Members:
    """
    The nodes of a run that were heard.

    :param namespace: of the run, without slashes around it
    """

    def __init__(self, namespace: str) -> None:
        self._prefix = f'/{namespace}/'
        self._heard_at: dict[str, float] = {}
        #: machine of the trainer; empty: the trainer was not heard
        self.trainer_host = ''
        #: how far the trainer's clock is ahead of ours, seconds; the least delayed report tells;
        #: -inf: no report had a stamp
        self.clock_ahead_s = -math.inf

    def take(self, message: DiagnosticArray) -> None:
        """Take reports of nodes, which may be of other packages."""
        for status in message.status:
            if not status.name.startswith(self._prefix):
                continue
            self._heard_at[status.name.removeprefix(self._prefix)] = time.monotonic()
            if status.name == f'{self._prefix}trainer':
                host = next((each.value for each in status.values if each.key == 'host'), '')
                self.trainer_host = one_line(host) or 'unknown'
                stamp_ns = stamp_ns_of(message.header.stamp)
                if stamp_ns > 0:
                    ahead_s = (stamp_ns - time.time_ns()) / 1e9
                    self.clock_ahead_s = max(self.clock_ahead_s, ahead_s)

    def free_recorders(self) -> list[int]:
        """
        Return the numbers of joining workers that have a recorder and nothing else.

        The run's own workers have lower numbers. Their recorders are never free, also while
        their other nodes are silent.
        """
        now = time.monotonic()
        found: dict[int, set[str]] = {}
        for name, heard_at in self._heard_at.items():
            match = re.fullmatch(r'worker_(\d{3})/(\w+)', name, re.ASCII)
            if match and int(match[1]) >= FIRST_JOINED and now - heard_at < _LIFETIME_S:
                found.setdefault(int(match[1]), set()).add(match[2])
        return sorted(number for number, nodes in found.items() if nodes == {'recorder'})


def listen(namespace: str, needs_recorder: bool, patience_s: float = _PATIENCE_S) -> Members:
    """
    Listen for the nodes of a run until its trainer was heard, or patience ends.

    :param namespace: of the run, without slashes around it
    :param needs_recorder: whether a free recorder is awaited, too
    """
    members = Members(namespace)

    with ros_node('her_ros_join') as node:
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, members.take, STATUS)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        begin, end = time.monotonic(), time.monotonic() + patience_s
        while (now := time.monotonic()) < end:
            executor.spin_once(timeout_sec=min(0.1, end - now))
            has_all = members.trainer_host and not (
                needs_recorder and not members.free_recorders()
            )
            if has_all and now - begin >= _ALL_HEARD_S:
                break
        executor.shutdown()
    return members
