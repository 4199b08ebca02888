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
Read the messages of selected topics from one small ``.mcap`` file in memory.

The file is read from front to back instead of through its index: a rollout is small and needed
whole, and every byte has to pass the checksums anyway. Records follow the MCAP specification
(mcap.dev/spec): one byte for the kind, eight for the length, then the content.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
import struct
import zlib

from her_ros.bags.errors import BagError, RecoverableError
from her_ros.bags.storage.limits import chunk_content, Expansion, Kept
from her_ros.bags.storage.messages import decompressed, is_compressed, refuse
from her_ros.bags.storage.metadata import custom_data, ROSBAG2_RECORD
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Metadata, Schema

#: name of the MCAP metadata record that holds the metadata of our writer
METADATA_RECORD = 'her_ros'

#: first and last bytes of a file
MAGIC = b'\x89MCAP0\r\n'
#: kind and length of a record
RECORD_PREFIX = struct.Struct('<BQ')
_FOOTER = struct.Struct('<BQQQI8s')
_DATA_END = struct.Struct('<BQI')
_CHANNEL_ID = struct.Struct('<H')
#: channel, sequence, log time, publish time of a message; its content follows
MESSAGE_PREFIX = struct.Struct('<HIQQ')
_BLOCK = 16 << 20
_LARGEST_RATIO = 8
# Largest record that becomes a dictionary, bytes; the dictionary takes tens of times its size.
_LARGEST_MAP = 4 << 20

Read = Callable[[int, int], bytes | memoryview]


class McapFile:
    """
    Content of a bare file.

    :param content: bytes of the whole file
    :param is_wanted: tells from topic and message type whether to keep the messages; None for
        the metadata alone
    :raises BagError: if the file is cut short or a checksum is wrong
    :raises Exception: any error of mcap, if damage is not covered by a checksum
    """

    def __init__(self, content: bytes, is_wanted: Callable[[str, str], bool] | None) -> None:
        #: metadata of the writer
        self.metadata: dict[str, str] = {}
        #: message type by topic
        self.topics: dict[str, str] = {}
        #: messages in CDR by wanted topic
        self.messages: dict[str, list[memoryview]] = {}
        self._is_wanted = is_wanted
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, list[memoryview] | None] = {}
        self._rosbag2_metadata = ''
        self._definitions = Kept('topics, definitions and metadata', refuse)
        # All of it is held in memory at once, so only a few times the file size is allowed.
        self._expansion = Expansion(len(content), ratio=_LARGEST_RATIO)
        view = memoryview(content)
        data_end, _, self._is_checked = check_whole(lambda a, b: view[a:b], len(view))
        self._take(view, len(MAGIC), data_end)
        if not self.metadata and self._rosbag2_metadata:
            self.metadata = custom_data(self._rosbag2_metadata)
        for messages in self.messages.values():
            if messages and is_compressed(messages[0]):
                messages[:] = map(self._decompressed, messages)

    def _take(self, content: memoryview, begin: int, end: int) -> None:
        for kind, start, stop in records(content, begin, end):
            if kind == Opcode.MESSAGE:
                (channel_id,) = _CHANNEL_ID.unpack_from(content, start)
                messages = self._channels[channel_id]
                if messages is not None:
                    begin = start + MESSAGE_PREFIX.size
                    messages.append(content[begin:stop])
            elif kind == Opcode.CHUNK and self._is_wanted:
                self._take_chunk(Chunk.read(stream_of(content[start:stop])))
            elif kind == Opcode.SCHEMA:
                schema = Schema.read(stream_of(content[start:stop]))
                if self._schemas.get(schema.id) != schema.name:
                    self._definitions.takes(schema.name)
                    self._schemas[schema.id] = schema.name
            elif kind == Opcode.CHANNEL:
                self._add_channel(channel_of(content[start:stop]))
            elif kind == Opcode.METADATA:
                self._add_metadata(content[start:stop])

    def _add_metadata(self, record: memoryview) -> None:
        entry = metadata_of(record)
        if entry is None:
            return
        if entry.name == ROSBAG2_RECORD:
            self._rosbag2_metadata = entry.metadata.get('serialized_metadata', '')
        else:
            self._definitions.takes(*entry.metadata, *entry.metadata.values())
            self.metadata.update(entry.metadata)

    def _take_chunk(self, chunk: Chunk) -> None:
        checksum = 0 if self._is_checked else chunk.uncompressed_crc
        content = chunk_content(chunk.compression, chunk.data, chunk.uncompressed_size, checksum)
        self._expansion.add(len(content))
        self._take(memoryview(content), 0, len(content))

    def _decompressed(self, message: memoryview) -> memoryview:
        content = memoryview(decompressed(message))
        self._expansion.add(len(content))
        return content

    def _add_channel(self, channel: Channel) -> None:
        message_type = self._schemas.get(channel.schema_id, '')
        if self.topics.get(channel.topic) != message_type:
            self._definitions.takes(channel.topic)
        self.topics[channel.topic] = message_type
        if self._is_wanted and self._is_wanted(channel.topic, message_type):
            self._channels[channel.id] = self.messages.setdefault(channel.topic, [])
        else:
            self._channels[channel.id] = None


def stream_of(content: bytes | memoryview) -> ReadDataStream:
    """Return a stream from which mcap reads the content of a record."""
    return ReadDataStream(BytesIO(content))


def channel_of(content: bytes | memoryview) -> Channel:
    """
    Read a channel record.

    :raises BagError: if it is larger than any that a recorder writes
    """
    _check_map(content)
    return Channel.read(stream_of(content))


def metadata_of(content: bytes | memoryview) -> Metadata | None:
    """
    Read a metadata record; return None if it does not hold metadata of the bag.

    :raises BagError: if it is larger than any that a recorder writes
    """
    if stream_of(content).read_prefixed_string() not in (METADATA_RECORD, ROSBAG2_RECORD):
        return None
    _check_map(content)
    return Metadata.read(stream_of(content))


def _check_map(content: bytes | memoryview) -> None:
    if len(content) > _LARGEST_MAP:
        raise RecoverableError(f'damaged: a topic or the metadata have {len(content)} bytes')


def records(content: memoryview, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """List kind, start and end of the records in a part of a file or in a chunk."""
    while begin < end:
        kind, length = RECORD_PREFIX.unpack_from(content, begin)
        if not kind:
            raise RecoverableError(f'damaged: no record at byte {begin}')
        start = begin + RECORD_PREFIX.size
        begin = start + length
        if begin > end:
            raise RecoverableError(f'damaged: the record at byte {start} claims {length} bytes')
        yield kind, start, begin


def check_whole(read: Read, size: int) -> tuple[int, int, bool]:
    """
    Check both ends and both checksums of a file.

    A checksum of 0 stands for none: `ros2 bag record` leaves out the one of the data section.

    :param read: returns the bytes from one position to another
    :param size: of the file, bytes
    :return: end of the data section, start of the footer, and whether a checksum covers the data
        section
    """
    if bytes(read(0, min(size, len(MAGIC)))) != MAGIC:
        raise BagError(
            'not an MCAP file' if size else 'the file is empty', 'copy or record it again'
        )
    footer_start = size - _FOOTER.size
    if footer_start < len(MAGIC) + _DATA_END.size or bytes(read(size - 8, size)) != MAGIC:
        raise RecoverableError('the file is cut short')
    kind, length, summary_start, _, summary_crc, _ = _FOOTER.unpack(read(footer_start, size))
    summary_start = summary_start or footer_start  # 0: there is no summary
    data_end = summary_start - _DATA_END.size
    if (kind, length) != (Opcode.FOOTER, 20) or not len(MAGIC) <= data_end < footer_start:
        raise RecoverableError('damaged: its footer is invalid')
    if summary_crc and _crc_of(read, summary_start, size - 12) != summary_crc:
        raise BagError('damaged: the checksum of the summary is wrong', 'copy the file again')
    kind, length, data_crc = _DATA_END.unpack(read(data_end, summary_start))
    if (kind, length) != (Opcode.DATA_END, 4):
        raise RecoverableError('damaged: its data section has no end')
    if data_crc and _crc_of(read, 0, data_end) != data_crc:
        raise BagError('damaged: the checksum of the data is wrong', 'copy the file again')
    return data_end, footer_start, data_crc != 0


def _crc_of(read: Read, begin: int, end: int) -> int:
    crc = 0
    for position in range(begin, end, _BLOCK):
        crc = zlib.crc32(read(position, min(position + _BLOCK, end)), crc)
    return crc
