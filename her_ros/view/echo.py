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

"""``her-ros echo``: print the rows of a ``step`` topic."""

import contextlib
import time

from her_ros.nodes.qos import LOCK_STEP
from her_ros.orchestration.command_node import ros_errors, ros_node
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.ros_environment import checked_topic
from her_ros.wire.cloud import CloudDecoder, dtype_of
from her_ros.wire.rows import IDENTITY, RowError, Rows
import numpy as np
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from sensor_msgs.msg import PointCloud2

_COLUMNS = (
    'session', 'env', 'episode', 'step', 'achieved_goal', 'desired_goal', 'action',
    'policy_version', 'reward', 'is_success',
)  # fmt: skip


def echo(topic: str, limit: int, timeout_s: float) -> None:
    """
    Print rows as they arrive.

    :param limit: number of rows after which to stop; 0 for no limit
    :raises HerRosError: if no message arrives in time, or a message is not a ``step``
    """
    checked_topic(topic)
    with contextlib.suppress(ExternalShutdownException), ros_node('her_ros_echo', False) as node:
        _print_rows(node, topic, limit, timeout_s)


def _print_rows(node: Node, topic: str, limit: int, timeout_s: float) -> None:
    received: list[bytes] = []
    with ros_errors():
        node.create_subscription(PointCloud2, topic, received.append, LOCK_STEP, raw=True)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    console, printed, heard_at = Console(), 0, time.monotonic()
    while not limit or printed < limit:
        executor.spin_once(timeout_sec=0.5)
        if received:
            rows = _rows(topic, received)
            rows = rows[: limit - printed] if limit else rows
            received.clear()
            console.print(_table(rows))
            printed, heard_at = printed + len(rows), time.monotonic()
        elif time.monotonic() - heard_at > timeout_s:
            raise HerRosError(
                f'nothing after {timeout_s:g} s',
                'is a sim_env or robot running there? `her-ros echo TOPIC` takes another topic',
                source=topic,
            )


def _rows(topic: str, messages: list[bytes]) -> Rows:
    try:
        layout = dtype_of(messages[0])
        if not set(IDENTITY) <= set(layout.names or ()):
            raise RowError(
                f'no step rows but the fields {list(layout.names or ())}', 'name a step topic'
            )
        return np.concatenate(CloudDecoder(layout).decode(messages))
    except RowError as error:
        raise RowError.of(error, topic) from None


def _table(rows: Rows) -> Table:
    columns = [name for name in _COLUMNS if name in (rows.dtype.names or ())]
    # Narrow, so that no number is cut on a terminal of 80 columns; vectors are printed vertically.
    table = Table(*(Column(name, overflow='fold') for name in columns), box=SIMPLE, padding=0)
    for row in rows:
        table.add_row(*(_text(name, row[name]) for name in columns))
    return table


def _text(name: str, value: np.ndarray) -> str:
    if name == 'session':
        return f'{int(value[0]):08x}'
    if value.dtype.kind == 'f':
        return ' '.join(f'{number:+.3f}' for number in value)
    return ' '.join(map(str, value))
