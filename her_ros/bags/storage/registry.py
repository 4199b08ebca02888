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

"""The storages of bags by the suffix of their files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from her_ros.bags.storage.messages import Message, OnDamage, Wanted
from her_ros.runtime.registry import Registry
from mcap.records import Attachment


class Storage(Protocol):
    """One file of a bag, read in the order of recording."""

    path: Path
    #: metadata of the bag's writer
    metadata: dict[str, str]
    #: message type by topic
    topics: dict[str, str]
    attachments: list[Attachment]

    def open(self) -> None:  # noqa: A003
        """
        Read topics and metadata.

        :raises BagError: if it is no bag
        """

    def batches(self, wanted: Wanted | None = None) -> Iterator[list[Message]]:
        """
        Read the messages in the order of recording, about a megabyte at a time.

        :param wanted: which topics; None: all
        """


#: made of a path and a function that is called with damage
STORAGES: Registry[Callable[[Path, OnDamage], Storage]] = Registry(
    'storage',
    'her_ros.storages',
    {
        'mcap': 'her_ros.bags.storage.mcap:McapStorage',
        'db3': 'her_ros.bags.storage.sqlite:SqliteStorage',
    },
)
