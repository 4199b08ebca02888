"""Report several publishers on a topic that must have exactly one."""

import time
from typing import Any

from her_ros.nodes.participants import Participants
from her_ros.nodes.publishers import live_publishers, rivals

# Messages refused longer ago than this are forgotten, seconds.
_LIFETIME_S = 5.0
# Nodes report once per second; a line that is logged later can name their hosts and runs.
_PATIENCE_S = 1.5
_REPEAT_S = 10.0


class Rivalry:
    """Says which nodes send on one topic, while messages of some are refused.

    :param node: a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    :param what: what the user is told before the names
    """

    def __init__(self, node: Any, topic: str, what: str) -> None:
        self._node, self._topic, self._what = node, topic, what
        self._refused = 0
        self._began_at = self._refused_at = -float('inf')
        self._known: Participants | None = None

    def trouble(self, refused: int) -> str:
        """Name all that send, and log it at times; empty: nothing was refused lately.

        Called once per second.

        :param refused: messages refused so far
        """
        now = time.monotonic()
        if refused != self._refused:
            self._refused, self._refused_at = refused, now
            if self._known is None:
                self._known, self._began_at = Participants(self._node), now
        elif now - self._refused_at > _LIFETIME_S:
            self._forget()
            return ''
        text = f'{self._what}; stop one of {rivals(self._node, self._topic, self._known)}'
        if now - self._began_at >= _PATIENCE_S:
            self._node.log.warning(f'rivals on {self._topic}', text, _REPEAT_S)
        return text

    def _forget(self) -> None:
        if self._known is not None:
            self._known.close()
            self._known = None


class Crowd:
    """Says which nodes send on a topic that is for one of them, while there are several.

    :param node: a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    :param what: what the user is told before the names
    """

    def __init__(self, node: Any, topic: str, what: str) -> None:
        self._node, self._topic = node, topic
        self._rivalry = Rivalry(node, topic, what)
        self._seen = 0

    def trouble(self) -> str:
        """Name all that send, and log it at times; empty: there is one at the most.

        Called once per second.
        """
        # Most of the time there is one, and counting takes less time than looking at each.
        if self._node.count_publishers(self._node.resolve_topic_name(self._topic)) > 1:
            self._seen += len(live_publishers(self._node, self._topic)) > 1
        return self._rivalry.trouble(self._seen)
