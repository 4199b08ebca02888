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

"""State that the storages of this package share."""

from pathlib import Path

from her_ros.bags.storage.limits import Kept
from her_ros.bags.storage.messages import Channel, OnDamage, refuse
from mcap.records import Attachment


class FileStorage:
    """
    One file of a bag, read in the order of recording.

    :param on_damage: called with each damage found; if it returns, reading goes on
    """

    def __init__(self, path: Path, on_damage: OnDamage = refuse) -> None:
        self.path = path
        #: metadata of the writer; complete when the whole file was read
        self.metadata: dict[str, str] = {}
        #: message type by topic, for the topics read so far
        self.topics: dict[str, str] = {}
        self.attachments: list[Attachment] = []
        self._on_damage = on_damage
        self._channels: dict[int, Channel] = {}
        self._definitions = Kept('topics, definitions and metadata', on_damage)
