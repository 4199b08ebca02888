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

"""Write messages of any topics as a rosbag2 directory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import escape
from io import BufferedWriter
import json
import os
from pathlib import Path
import shutil

from her_ros.bags.errors import BagError
from her_ros.bags.storage.mcap_file import METADATA_RECORD
from her_ros.bags.storage.messages import Channel, Message
from her_ros.bags.storage.metadata import information_of, is_qos, ROSBAG2_RECORD, TopicCount
from her_ros.bags.writer import definition_of
from her_ros.runtime.files import create_held, publish_folder, remove_unheld, WRITABLE
from mcap.records import Attachment
from mcap.writer import CompressionType, Writer


class DirectoryWriter:
    """
    Writes ``<path>/<name>_0.mcap`` and ``<path>/metadata.yaml``.

    Before :meth:`close` it is a hidden temporary folder beside ``path``. Schemas are copied from
    the sources, so messages of unknown types stay readable.

    :raises BagError: if there is such a folder, or it cannot be written
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: messages written by topic
        self.counts: dict[str, int] = {}
        self._temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
        self._name = f'{path.name}_0.mcap'
        self._channels: dict[Channel, int] = {}
        self._schemas: dict[tuple[str, str, bytes], int] = {}
        self._topics: dict[tuple[str, str], TopicCount] = {}
        self._start_ns, self._end_ns = 1 << 63, 0
        if path.exists():
            raise BagError(
                'exists already, and bags are never overwritten', 'name another', source=path
            )
        with self._wrap_errors():
            self._file = self._create()
        self._writer = Writer(self._file, compression=CompressionType.LZ4, enable_data_crcs=True)
        self._writer.start('ros2', library='her_ros')

    def _create(self) -> BufferedWriter:
        """Make the temporary folder and its file; remove what killed processes left beside it."""
        for torn in self.path.parent.glob(f'.{escape(self.path.name)}.*.tmp'):
            remove_unheld(torn)
        while True:
            self._temporary.mkdir(parents=True)
            # Another process may remove an empty folder as a leftover.
            with suppress(FileNotFoundError):
                return create_held(self._temporary / self._name)

    def write(self, message: Message) -> None:
        """
        Add a message with its stamps.

        :raises BagError: if the disk is full or fails
        """
        channel = message.channel
        # sqlite3 holds signed stamps, MCAP does not.
        log_time, publish_time = max(0, message.log_time_ns), max(0, message.publish_time_ns)
        with self._wrap_errors():
            self._writer.add_message(
                self._channel_id(channel),
                log_time,
                message.content,  # type: ignore[arg-type]  # it takes any buffer
                publish_time,
                message.sequence,
            )
        self.counts[channel.topic] = self.counts.get(channel.topic, 0) + 1
        key = channel.topic, channel.message_type
        self._topics[key] = self._topics[key]._replace(messages=self._topics[key].messages + 1)
        self._start_ns = min(self._start_ns, log_time)
        self._end_ns = max(self._end_ns, log_time)

    def attach(self, attachment: Attachment) -> None:
        """Add an attachment; rosbag2 has none, other recorders of MCAP do."""
        with self._wrap_errors():
            self._writer.add_attachment(
                attachment.create_time,
                attachment.log_time,
                attachment.name,
                attachment.media_type,
                attachment.data,
            )

    def close(self, metadata: Mapping[str, str]) -> None:
        """
        Finish the bag and give it its final name.

        :param metadata: custom data of the bag
        :raises BagError: if the disk is full or fails
        """
        count = sum(self.counts.values())
        start_ns = self._start_ns if count else 0
        information = information_of(
            self._name, start_ns, self._end_ns, count, metadata, [*self._topics.values()]
        )
        with self._wrap_errors():
            if metadata:
                self._writer.add_metadata(METADATA_RECORD, dict(metadata))
            text = json.dumps(information)
            self._writer.add_metadata(ROSBAG2_RECORD, {'serialized_metadata': text})
            self._writer.finish()
            self._file.flush()
            # JSON is YAML as well.
            text = json.dumps({'rosbag2_bagfile_information': information}, indent=2)
            (self._temporary / 'metadata.yaml').write_text(f'{text}\n', 'utf-8')
            publish_folder(self._temporary, self.path)
            # Closed last, since the folder is held only while the file is open.
            self._file.close()

    def discard(self) -> None:
        """Remove the bag unless it is finished."""
        with suppress(OSError):  # a full disk refuses the last buffer again
            self._file.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> 'DirectoryWriter':
        """Return the writer; at the end of the block a bag that is not closed is removed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove a bag that is not closed."""
        self.discard()

    @contextmanager
    def _wrap_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BagError(f'cannot be written: {error.strerror}', WRITABLE, self.path) from error

    def _channel_id(self, channel: Channel) -> int:
        # The QoS that recorders note differs from file to file; the first one is kept.
        key = replace(channel, offered_qos_profiles='', type_hash='')
        if key not in self._channels:
            self._channels[key] = self._add_channel(channel)
        return self._channels[key]

    def _add_channel(self, channel: Channel) -> int:
        channel = _described(channel)
        topic = TopicCount(
            channel.topic,
            channel.message_type,
            channel.message_encoding,
            channel.offered_qos_profiles,
            channel.type_hash,
            0,
        )
        topic = self._topics.setdefault((channel.topic, channel.message_type), topic)
        schema = (channel.message_type, channel.schema_encoding, channel.schema)
        if schema not in self._schemas:
            self._schemas[schema] = self._writer.register_schema(*schema)
        return self._writer.register_channel(
            channel.topic,
            channel.message_encoding,
            self._schemas[schema],
            {
                'offered_qos_profiles': topic.offered_qos_profiles,
                'topic_type_hash': channel.type_hash,
            },
        )


def _described(channel: Channel) -> Channel:
    """Add the schema that older recorders left out, and drop QoS text that cannot be read."""
    if not is_qos(channel.offered_qos_profiles):
        channel = replace(channel, offered_qos_profiles='')
    if not channel.schema:
        with suppress(BagError):  # a custom type stays without a schema
            text, digest = definition_of(channel.message_type)
            channel = replace(
                channel, schema_encoding='ros2msg', schema=text.encode(), type_hash=digest
            )
    return channel
