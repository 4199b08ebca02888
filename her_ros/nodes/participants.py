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

"""Find the hosts, processes and run folders of the nodes in a ROS graph."""

from collections.abc import Collection
from os import getpid
from socket import gethostname

from diagnostic_msgs.msg import DiagnosticArray
from her_ros.nodes.qos import STATUS
from her_ros.runtime.errors import one_line
from her_ros.wire.topics import DIAGNOSTICS
from rclpy.node import Node

# Number of nodes remembered; rarely more than a few have the same name.
_MOST = 1000


def identity_of(node: Node) -> dict[str, object]:
    """Return host, process and run folder, which identify a node in its diagnostics."""
    known = node.has_parameter('run_dir')
    run_dir = node.get_parameter('run_dir').value if known else ''
    return {'host': gethostname(), 'pid': getpid(), 'run_dir': run_dir}


class Participants:
    """Learns from ``/diagnostics`` where nodes run, until it is closed."""

    def __init__(self, node: Node) -> None:
        self._node = node
        # (name, host, pid) to run folder
        self._found: dict[tuple[str, str, str], str] = {}
        self._subscription = node.create_subscription(
            DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, STATUS
        )

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {each.key: each.value for each in status.values}
            if {'host', 'pid'} <= values.keys() and len(self._found) < _MOST:
                key = (status.name, one_line(values['host']), one_line(values['pid']))
                self._found[key] = one_line(values.get('run_dir', ''))

    def describe(self, name: str, processes: Collection[int]) -> str:
        """
        Describe the nodes of a name; empty: none is known.

        :param processes: possible processes on this machine; empty: the node is on another one
        """
        here = gethostname()
        on_this = {(here, str(pid)) for pid in processes}
        return ' or '.join(
            f'host {host}, pid {pid}' + (f', run {run_dir}' if run_dir else '')
            for (each, host, pid), run_dir in sorted(self._found.items())
            if each == name and ((host, pid) in on_this if on_this else host != here)
        )

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)
