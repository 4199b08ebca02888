"""Find the nodes of a run by their diagnostics."""

import re
import time
from dataclasses import dataclass, field

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


@dataclass
class Members:
    """The nodes of a run that were heard."""

    #: names of the nodes, relative to the namespace of the run
    names: set[str] = field(default_factory=set)
    #: machine of the trainer; empty: the trainer was not heard
    trainer_host: str = ''
    #: how far the trainer's clock is ahead of ours, less the time of the transport, seconds
    clock_ahead_s: float = 0.0

    def free_recorders(self) -> list[int]:
        """Return the numbers of workers that have a recorder and nothing else."""
        found: dict[int, set[str]] = {}
        for name in self.names:
            if match := re.fullmatch(r'worker_(\d{1,3})/(\w+)', name):
                found.setdefault(int(match[1]), set()).add(match[2])
        return sorted(number for number, nodes in found.items() if nodes == {'recorder'})


def listen(namespace: str, patience_s: float = _PATIENCE_S) -> Members:
    """Listen for the nodes of a run.

    :param namespace: of the run, without slashes around it
    :param patience_s: how long to wait for its trainer
    """
    members, prefix = Members(), f'/{namespace}/'

    def on_diagnostics(message: DiagnosticArray) -> None:
        ahead_s = Time.from_msg(message.header.stamp).nanoseconds / 1e9 - time.time()
        for status in message.status:
            if not status.name.startswith(prefix):
                continue
            name = status.name.removeprefix(prefix)
            members.names.add(name)
            if name == 'trainer':
                values = {each.key: each.value for each in status.values}
                members.trainer_host = one_line(values.get('host', '')) or 'unknown'
                members.clock_ahead_s = ahead_s

    with ros_node('her_ros_join') as node:
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, on_diagnostics, STATUS)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        begin, end = time.monotonic(), time.monotonic() + patience_s
        while (now := time.monotonic()) < end:
            executor.spin_once(timeout_sec=min(0.1, end - now))
            if members.trainer_host and now - begin >= _ALL_HEARD_S:
                break
        executor.shutdown()
    return members
