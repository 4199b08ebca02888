"""Who publishes on a topic, and whether all messages come from one publisher."""

import os
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

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


def rivals(node: Node, topic: str) -> str:
    """Name all publishers of a topic, with their processes where these are known."""
    found = node.get_publishers_info_by_topic(_full_name(node, topic))
    here = {
        _host(info) for info in node.get_publishers_info_by_topic('/rosout') if _is(node, info)
    }
    names = sorted(f'{_name(info)}{_process(info, here)}' for info in found)
    return f'{_full_name(node, topic)}: {" and ".join(names) or "unknown publishers"}'


def _full_name(node: Node, topic: str) -> str:
    return str(node.resolve_topic_name(topic))


def _name(info: Any) -> str:
    if info.node_name == _UNKNOWN:
        return _NAMELESS
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def _is(node: Node, info: Any) -> bool:
    return _name(info) == node.get_fully_qualified_name()


def _host(info: Any) -> bytes:
    return bytes(info.endpoint_gid[2:4])


def _process(info: Any, here: set[bytes]) -> str:
    """Return the process of a publisher, for those of this machine by Fast DDS."""
    gid = bytes(info.endpoint_gid)
    if gid[:2] != _FAST_DDS:
        return ''
    if _host(info) not in here:
        return ' (another machine)'
    part = int.from_bytes(gid[4:6], 'little')
    pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
    matching = [pid for pid in pids if pid & 0xFFFF == part]
    return f' (pid {matching[0]})' if len(matching) == 1 else ' (process ended)'
