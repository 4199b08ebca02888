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

"""
Read a ``.mcap`` file of any size, record by record from front to back.

The reader follows the records, not the index. So it returns messages in the order of recording
even if the clock was set back, and it also reads files whose index was never written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from her_ros.bags.errors import BagError, RecoverableError
from her_ros.bags.storage.base import FileStorage
from her_ros.bags.storage.limits import check_size, Expansion, Kept
from her_ros.bags.storage.mcap_chunks import chunk_after, front_of_chunk, whole_chunk
from her_ros.bags.storage.mcap_file import (
    channel_of,
    check_whole,
    MAGIC,
    MESSAGE_PREFIX,
    metadata_of,
    METADATA_RECORD,
    RECORD_PREFIX,
    records,
    stream_of,
)
from her_ros.bags.storage.messages import (
    BATCH_SIZE,
    Channel,
    decompressed,
    Message,
    OnDamage,
    refuse,
    Wanted,
)
from her_ros.bags.storage.metadata import custom_data
from her_ros.bags.storage.progress import count
from mcap.opcode import Opcode
from mcap.records import Attachment, Schema, Statistics
from mcap.records import Channel as McapChannel

# Messages of a chunk are returned once they take this many bytes of their own: messages that were
# compressed one by one, and the objects made for each message.
_LARGEST_BATCH = 16 << 20
_MESSAGE_OVERHEAD = 256


class McapStorage(FileStorage):
    """
    One ``.mcap`` file, read in the order of recording.

    :param on_damage: called with each damage found; if it returns, reading goes on
    """

    def __init__(self, path: Path, on_damage: OnDamage = refuse) -> None:
        super().__init__(path, on_damage)
        self._schemas: dict[int, Schema] = {}
        self._files = Kept('attachments', on_damage, share=1.0)
        # By channel, so that ``wanted`` is called once per channel.
        self._is_wanted: dict[int, bool] = {}
        self._end = 0
        # Messages that the summary announces, and messages read.
        self._announced: int | None = None
        self._met, self._unknown = 0, 0

    def open(self) -> None:  # noqa: A003
        """
        Check the checksums of the whole file, and read the metadata.

        :raises BagError: if the file is cut short, or a checksum is wrong
        """
        with self.path.open('rb') as file:
            size = file.seek(0, 2)

            def read(begin: int, end: int) -> bytes:
                file.seek(begin)
                return file.read(end - begin)

            try:
                self._end, footer_start, _ = check_whole(read, size)
            except BagError as error:
                self._end = size
                self._on_damage(error)
                return
            with self._noting('the summary'):
                check_size(footer_start - self._end, 'it')
                summary = read(self._end, footer_start)
                for kind, start, stop in records(memoryview(summary), 0, len(summary)):
                    self._note(kind, summary[start:stop])
            for kind, start, stop in self._heads(file):
                if kind == Opcode.METADATA:
                    with self._noting(f'the record at byte {start}'):
                        check_size(stop - start, 'it')
                        self._note(kind, read(start, stop))

    def batches(self, wanted: Wanted | None = None) -> Iterator[list[Message]]:
        """
        Read the messages in the order of recording, a chunk at a time.

        :param wanted: which topics; None: all
        """
        loose: list[Message] = []
        self._met, self._unknown, size = 0, 0, 0
        self._is_wanted.clear()
        self._expansion = Expansion(self.path.stat().st_size)
        with self.path.open('rb', buffering=BATCH_SIZE) as file:
            for kind, start, stop in self._heads(file):
                is_idle = kind == Opcode.ATTACHMENT and wanted is not None
                if kind == Opcode.MESSAGE_INDEX or is_idle:
                    continue
                content = self._content(file, start, min(stop, self._end))
                count(stop - start)
                size += BATCH_SIZE if kind == Opcode.CHUNK else len(content)
                if kind == Opcode.CHUNK:
                    parts = self._chunk(content, start, stop > self._end, wanted)
                else:
                    parts = self._single(kind, content, start, wanted)
                for part in parts:
                    loose += part
                    if size >= BATCH_SIZE:
                        yield loose
                        loose = []
                if size >= BATCH_SIZE:
                    size = 0
        if loose:
            yield loose
        if self._announced is not None and self._met != self._announced:
            announced, self._announced = self._announced, None
            self._on_damage(
                RecoverableError(
                    f'damaged: {self._met} messages found, the summary says {announced}'
                )
            )

    def _heads(self, file: BinaryIO) -> Iterator[tuple[int, int, int]]:
        """List the records of the data section; a chunk at the end may be cut short."""
        position = len(MAGIC)
        while position < self._end:
            file.seek(position)
            head = file.read(RECORD_PREFIX.size)
            kind, length = RECORD_PREFIX.unpack(head.ljust(RECORD_PREFIX.size, b'\0'))
            start = position + RECORD_PREFIX.size
            stop = start + length
            if kind == Opcode.DATA_END and length == 4:
                return
            # Kinds from 0x80 on are private; unknown ones are skipped.
            is_known = 0 < kind < Opcode.DATA_END or kind >= 0x80
            if is_known and stop <= self._end:
                yield kind, start, stop
                position = stop
                continue
            after = chunk_after(file, start, self._end)
            self._on_damage(
                RecoverableError(f'damaged: no record at byte {position}')
                if after is not None
                else RecoverableError(f'cut short in the record at byte {position} of {self._end}')
            )
            if after is None:
                if kind == Opcode.CHUNK:
                    yield kind, start, stop
                return
            position = after

    def _content(self, file: BinaryIO, start: int, stop: int) -> bytes:
        """Read the content of a record, unless it is too large."""
        try:
            check_size(stop - start, f'the record at byte {start}')
        except BagError as error:
            self._on_damage(error)
            return b''
        file.seek(start)
        return file.read(stop - start)

    def _single(
        self, kind: int, content: bytes, start: int, wanted: Wanted | None
    ) -> Iterator[list[Message]]:
        """Read a record other than a chunk."""
        with self._noting(f'the record at byte {start}'):
            message = self._take(kind, memoryview(content), wanted) if content else None
            yield [] if message is None else [message]

    def _chunk(
        self, content: bytes, start: int, is_cut: bool, wanted: Wanted | None
    ) -> Iterator[list[Message]]:
        """
        Read the messages of a chunk whose record starts at a byte of the file.

        :return: one batch, or several if the messages take much more memory than the chunk
        """
        found: list[Message] = []
        kept, held = 0, 0
        try:
            inside = memoryview(
                front_of_chunk(content) if is_cut else whole_chunk(content, self._expansion)
            )
            for kind, begin, end in records(inside, 0, len(inside)):
                message = self._take(kind, inside[begin:end], wanted)
                if message is None:
                    continue
                found.append(message)
                if len(message.content) > end - begin:
                    held += len(message.content) - (end - begin)
                if held + _MESSAGE_OVERHEAD * len(found) > _LARGEST_BATCH:
                    self._expansion.add(held)
                    kept += len(found)
                    yield found
                    found, held = [], 0
        except Exception as error:
            kept += len(found)
            # That a chunk is cut short was reported already.
            if not is_cut and content:
                reason = error.complaint if isinstance(error, BagError) else error
                saved = f'; {kept} messages of it are kept' if kept else ''
                self._on_damage(
                    RecoverableError(f'damaged: the chunk at byte {start}: {reason}{saved}')
                )
        yield found

    def _take(self, kind: int, record: memoryview, wanted: Wanted | None) -> Message | None:
        """Read a record other than a chunk; return its message, if it is one and wanted."""
        if kind != Opcode.MESSAGE:
            self._note(kind, bytes(record))
            return None
        channel_id, sequence, log_time, publish_time = MESSAGE_PREFIX.unpack_from(record)
        self._met += 1
        channel = self._channels.get(channel_id)
        if channel is None:
            self._unknown += 1
            if self._unknown == 1:
                self._on_damage(
                    RecoverableError(
                        f'damaged: messages on channel {channel_id}, which is not defined'
                    )
                )
            return None
        is_wanted = self._is_wanted.get(channel_id)
        if is_wanted is None:
            is_wanted = wanted is None or wanted(channel.topic, channel.message_type)
            self._is_wanted[channel_id] = is_wanted
        if not is_wanted:
            return None
        begin = MESSAGE_PREFIX.size
        content: bytes | memoryview = record[begin:]
        try:
            content = decompressed(content)
        except BagError as error:
            self._on_damage(BagError.of(error, channel.topic))
            return None
        return Message(channel, log_time, publish_time, sequence, content)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Report a part of the file that mcap cannot read."""
        try:
            yield
        except BagError as error:
            self._on_damage(BagError.of(error, what))
        except Exception as error:
            self._on_damage(RecoverableError(f'damaged: {what}: {error}'))

    def _note(self, kind: int, content: bytes) -> None:
        """Read a record other than a message."""
        stream = stream_of(content)
        if kind == Opcode.SCHEMA:
            schema = Schema.read(stream)
            # Writers repeat definitions in every chunk.
            if self._schemas.get(schema.id) != schema and self._definitions.takes(content):
                self._schemas[schema.id] = schema
        elif kind == Opcode.CHANNEL:
            self._add_channel(channel_of(content))
        elif kind == Opcode.STATISTICS:
            self._announced = Statistics.read(stream).message_count
        elif kind == Opcode.ATTACHMENT:
            if self._files.takes(content):
                self.attachments.append(Attachment.read(stream))
        elif kind == Opcode.METADATA:
            entry = metadata_of(content)
            if entry is None or not self._definitions.takes(content):
                return
            if entry.name == METADATA_RECORD:
                self.metadata |= entry.metadata
            else:
                text = entry.metadata.get('serialized_metadata', '')
                self.metadata = custom_data(text) | self.metadata

    def _add_channel(self, channel: McapChannel) -> None:
        schema = self._schemas.get(channel.schema_id)
        named = Channel(
            channel.topic,
            schema.name if schema else '',
            channel.message_encoding,
            schema.encoding if schema else '',
            schema.data if schema else b'',
            channel.metadata.get('offered_qos_profiles', ''),
            channel.metadata.get('topic_type_hash', ''),
        )
        if self._channels.get(channel.id) == named:
            return
        parts = (named.topic, named.offered_qos_profiles, named.type_hash)
        if self._definitions.takes(*parts):
            self.topics[named.topic] = named.message_type
            self._is_wanted.pop(channel.id, None)
            self._channels[channel.id] = named
