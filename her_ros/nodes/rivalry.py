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

"""Report several publishers on a topic that must have exactly one."""

import time
from typing import Any

from her_ros.nodes.participants import Participants
from her_ros.nodes.publishers import live_publishers, rivals

# Time after which a refused message is no longer reported, seconds.
_LIFETIME_S = 5.0
# Nodes report once per second; a line that is logged later can name their hosts and runs.
_PATIENCE_S = 1.5
_REPEAT_S = 10.0


class Rivalry:
    """
    Names the nodes that publish on a topic while messages of some of them are refused.

    :param node: a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    :param what: text of the message before the names
    """

    def __init__(self, node: Any, topic: str, what: str) -> None:
        self._node, self._topic, self._what = node, topic, what
        self._refused = 0
        self._began_at = self._refused_at = -float('inf')
        self._known: Participants | None = None

    def trouble(self, refused: int) -> str:
        """
        Return, and log at intervals, the names of all publishers; empty if none was refused.

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
    """
    Names the nodes that publish on a topic while there are more than one.

    :param node: a :class:`~her_ros.nodes.guarded_node.GuardedNode`
    :param what: text of the message before the names
    """

    def __init__(self, node: Any, topic: str, what: str) -> None:
        self._node, self._topic = node, topic
        self._rivalry = Rivalry(node, topic, what)
        self._seen = 0

    def trouble(self) -> str:
        """
        Return, and log at intervals, the names of all publishers; empty if at most one.

        Called once per second.
        """
        # Usually there is one, and counting is faster than examining each.
        if self._node.count_publishers(self._node.resolve_topic_name(self._topic)) > 1:
            self._seen += len(live_publishers(self._node, self._topic)) > 1
        return self._rivalry.trouble(self._seen)
