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

"""List the publishers of a topic, and check that all messages come from one of them."""

from collections.abc import Mapping
import os
from typing import Any

from her_ros.nodes.participants import Participants
from her_ros.wire.topics import ROSOUT
from rclpy.node import Node

# Most messages lost between two others; a larger jump is another publisher's count.
_LARGEST_GAP = 64
# Name that ROS gives to a publisher whose node is unknown or does not exist.
_UNKNOWN = '_NODE_NAME_UNKNOWN_'
_NAMELESS = 'a publisher whose node is unknown'
# First bytes of Fast DDS identifiers; two bytes of the host and two of the process follow.
_FAST_DDS = b'\x01\x0f'


class OnePublisher:
    """Checks by sequence numbers whether all messages come from one publisher."""

    def __init__(self) -> None:
        self._last: int | None = None

    def restart(self) -> None:
        """Accept the next message from any publisher."""
        self._last = None

    def sent(self, message_info: Mapping[str, Any]) -> bool:
        """
        Note a message; return whether it can come from the same publisher as those before.

        :param message_info: rclpy's information about the message. Without sequence numbers of the
            middleware the result is always true
        """
        number = message_info.get('publication_sequence_number')
        if number is None:
            return True
        last, self._last = self._last, int(number)
        return last is None or 0 < self._last - last <= _LARGEST_GAP


class TopicSource:
    """The publishers of a topic, as :class:`~her_ros.wire.sessions.Source`."""

    def __init__(self, node: Node, topic: str) -> None:
        self._node, self._topic = node, topic
        self._noted: set[bytes] = set()

    def remember(self) -> None:
        """Note the present publishers."""
        self._noted = live_publishers(self._node, self._topic)

    def left(self) -> bool | None:
        """Return whether the noted publishers have left; None: one of them may have."""
        if not self._noted:
            return None
        if not self._noted & live_publishers(self._node, self._topic):
            return True
        return False if len(self._noted) == 1 else None


class ActionSource:
    """
    Checks that the actions of a robot come from one publisher of one node.

    :param topic: of the actions
    """

    def __init__(self, node: Node, topic: str) -> None:
        self._node, self._topic = node, topic
        self._publisher, self._episode = OnePublisher(), 0

    def trouble(self) -> str:
        """Name the nodes that publish actions if there are several, else return an empty text."""
        # Usually there is one, and counting is faster than asking for names.
        few = self._node.count_publishers(_full_name(self._node, self._topic)) < 2
        if few or len(self._names()) < 2:
            return ''
        return f'more than one node publishes actions; stop one of {self._rivals()}'

    def trouble_with(self, message_info: Mapping[str, Any], episode: int) -> str:
        """
        Note an action; name all publishers if another one sent those before, else empty.

        :param episode: episode of the actions; a new one may have another publisher
        """
        if episode != self._episode:
            self._episode = episode
            self._publisher.restart()
        if self._publisher.sent(message_info):
            return ''
        return f'a second publisher of actions answers; stop one of {self._rivals()}'

    def _names(self) -> set[str]:
        return node_names(self._node, self._topic)

    def _rivals(self) -> str:
        return rivals(self._node, self._topic)


def node_names(node: Node, topic: str) -> set[str]:
    """
    Return the full names of the nodes that publish on a topic.

    A node that was killed and restarted is listed twice for some seconds, under the same name; the
    name of a new node may arrive with the same delay.
    """
    found = node.get_publishers_info_by_topic(_full_name(node, topic))
    return {_name(info) for info in found} - {_NAMELESS}


def live_publishers(node: Node, topic: str) -> set[bytes]:
    """
    Return the identifiers of a topic's publishers.

    Publishers of ended processes on this machine, which DDS keeps for up to 20 s, are left out.
    """
    here = _this_host(node)
    return {
        bytes(info.endpoint_gid)
        for info in node.get_publishers_info_by_topic(_full_name(node, topic))
        if not _is_local(info, here) or _processes(info)
    }


def rivals(node: Node, topic: str, known: Participants | None = None) -> str:
    """
    Name all publishers of a topic, with their processes where these are known.

    :param known: source of hosts and run folders
    """
    found = node.get_publishers_info_by_topic(_full_name(node, topic))
    here = _this_host(node)
    names = sorted(f'{_name(info)}{_details(info, here, known)}' for info in found)
    return f'{_full_name(node, topic)}: {" and ".join(names) or "unknown publishers"}'


def _full_name(node: Node, topic: str) -> str:
    return str(node.resolve_topic_name(topic))


def _name(info: Any) -> str:
    if info.node_name == _UNKNOWN:
        return _NAMELESS
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def _this_host(node: Node) -> set[bytes]:
    """Return the bytes by which Fast DDS identifies this machine."""
    own_name = node.get_fully_qualified_name()
    infos = node.get_publishers_info_by_topic(ROSOUT)
    return {_host(info) for info in infos if _name(info) == own_name and _processes(info)}


def _host(info: Any) -> bytes:
    return bytes(info.endpoint_gid[2:4])


def _is_local(info: Any, here: set[bytes]) -> bool:
    return bytes(info.endpoint_gid[:2]) == _FAST_DDS and _host(info) in here


def _processes(info: Any) -> list[int]:
    """Return the processes of this machine that a publisher can belong to."""
    part = int.from_bytes(bytes(info.endpoint_gid[4:6]), 'little')
    return [
        int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) & 0xFFFF == part
    ]


def _details(info: Any, here: set[bytes], known: Participants | None) -> str:
    """Describe the process of a publisher, by Fast DDS and by its diagnostics."""
    if bytes(info.endpoint_gid[:2]) != _FAST_DDS:
        return ''
    processes = _processes(info) if _is_local(info, here) else []
    if _is_local(info, here) and not processes:
        return ' (process ended)'
    if known and (described := known.describe(_name(info), processes)):
        return f' ({described})'
    if not processes:
        return ' (another machine)'
    return f' (pid {processes[0]})' if len(processes) == 1 else ''
