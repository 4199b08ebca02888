"""List the publishers of a topic, and check that all messages come from one of them."""

import os
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

from her_ros.nodes.participants import Participants
from her_ros.wire.topics import ROSOUT

# Messages that may get lost between two others; a greater jump is another publisher's count.
_LARGEST_GAP = 64
# What ROS calls a publisher whose node has not been heard of yet, or that has none.
_UNKNOWN = '_NODE_NAME_UNKNOWN_'
_NAMELESS = 'a publisher whose node is unknown'
# How the identifiers of Fast DDS begin; then come two bytes of the host and two of the process.
_FAST_DDS = b'\x01\x0f'


class OnePublisher:
    """Tells by the sequence numbers of messages whether one publisher has sent them all."""

    def __init__(self) -> None:
        self._last: int | None = None

    def restart(self) -> None:
        """Let the next message come from any publisher."""
        self._last = None

    def sent(self, message_info: Mapping[str, Any]) -> bool:
        """Note a message; tell whether it can come from the publisher of those before.

        :param message_info: as rclpy hands it over beside a message; always true where the
            middleware does not count
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
        """Note who publishes now."""
        self._noted = live_publishers(self._node, self._topic)

    def left(self) -> bool | None:
        """Tell whether those noted have left; None: one of them may have."""
        if not self._noted:
            return None
        if not self._noted & live_publishers(self._node, self._topic):
            return True
        return False if len(self._noted) == 1 else None


class ActionSource:
    """Where the actions of a robot come from: one publisher, of the one node that has any.

    :param topic: of the actions
    """

    def __init__(self, node: Node, topic: str) -> None:
        self._node, self._topic = node, topic
        self._publisher, self._episode = OnePublisher(), 0

    def trouble(self) -> str:
        """Name the nodes that publish actions, if there are several; empty: all is well."""
        # Most of the time there is one, and counting takes less time than asking for names.
        few = self._node.count_publishers(_full_name(self._node, self._topic)) < 2
        if few or len(self._names()) < 2:
            return ''
        return f'more than one node publishes actions; stop one of {self._rivals()}'

    def trouble_with(self, message_info: Mapping[str, Any], episode: int) -> str:
        """Note an answer; name all publishers if another one sent those before; else empty.

        :param episode: to which the answers belong; a new one may have another publisher
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
    """Return the full names of the nodes that publish on a topic.

    A node that was killed and started again is there twice for some seconds, by one name; the name
    of a new one may take as long to arrive.
    """
    found = node.get_publishers_info_by_topic(_full_name(node, topic))
    return {_name(info) for info in found} - {_NAMELESS}


def live_publishers(node: Node, topic: str) -> set[bytes]:
    """Return the identifiers of a topic's publishers.

    Without those of this machine whose process has ended, which DDS keeps for up to 20 s.
    """
    here = _this_host(node)
    return {
        bytes(info.endpoint_gid)
        for info in node.get_publishers_info_by_topic(_full_name(node, topic))
        if not _is_local(info, here) or _processes(info)
    }


def rivals(node: Node, topic: str, known: Participants | None = None) -> str:
    """Name all publishers of a topic, with their processes where these are known.

    :param known: tells hosts and run folders, too
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
    """Return how Fast DDS names this machine."""
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
