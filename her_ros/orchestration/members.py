"""Find the nodes of a run by their diagnostics."""

import math
import re
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.time import Time

from her_ros.nodes.qos import STATUS
from her_ros.orchestration.command_node import ros_node
from her_ros.runtime.errors import one_line
from her_ros.wire.topics import DIAGNOSTICS

# How long to wait for the trainer, which may be starting; Fast DDS announces participants every
# 3 s.
_PATIENCE_S = 30.0
# Nodes report once per second, so this hears all that are there.
_ALL_HEARD_S = 2.2
# A node that was not heard for longer has left.
_LIFETIME_S = 5.0


class Members:
    """The nodes of a run that were heard.

    :param namespace: of the run, without slashes around it
    """

    def __init__(self, namespace: str) -> None:
        self._prefix = f'/{namespace}/'
        self._heard_at: dict[str, float] = {}
        #: machine of the trainer; empty: the trainer was not heard
        self.trainer_host = ''
        #: how far the trainer's clock is ahead of ours, seconds; the least delayed report tells
        self.clock_ahead_s = -math.inf

    def heard(self, name: str, host: str, ahead_s: float) -> None:
        """Take a report of a node.

        :param name: full name of the node
        :param ahead_s: stamp of the report, less the time here, seconds
        """
        if not name.startswith(self._prefix):
            return
        self._heard_at[name.removeprefix(self._prefix)] = time.monotonic()
        if name == f'{self._prefix}trainer':
            self.trainer_host = host or 'unknown'
            self.clock_ahead_s = max(self.clock_ahead_s, ahead_s)

    def free_recorders(self) -> list[int]:
        """Return the numbers of workers that have a recorder and nothing else."""
        now = time.monotonic()
        found: dict[int, set[str]] = {}
        for name, heard_at in self._heard_at.items():
            match = re.fullmatch(r'worker_(\d{1,3})/(\w+)', name)
            if match and now - heard_at < _LIFETIME_S:
                found.setdefault(int(match[1]), set()).add(match[2])
        return sorted(number for number, nodes in found.items() if nodes == {'recorder'})


def listen(namespace: str, needs_recorder: bool, patience_s: float = _PATIENCE_S) -> Members:
    """Listen for the nodes of a run until its trainer was heard, or patience ends.

    :param namespace: of the run, without slashes around it
    :param needs_recorder: whether a free recorder is awaited, too
    """
    members = Members(namespace)

    def on_diagnostics(message: DiagnosticArray) -> None:
        ahead_s = Time.from_msg(message.header.stamp).nanoseconds / 1e9 - time.time()
        for status in message.status:
            host = next((each.value for each in status.values if each.key == 'host'), '')
            members.heard(status.name, one_line(host), ahead_s)

    with ros_node('her_ros_join') as node:
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, on_diagnostics, STATUS)
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
