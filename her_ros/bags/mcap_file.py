"""One bare ``.mcap`` file, from its bytes to the messages of the topics one is after.

The file is walked from front to back instead of through its index: a rollout is small and wanted
whole, and every byte has to pass the checksums anyway. Records follow the MCAP specification
(mcap.dev/spec): one byte of kind, eight of length, content.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Metadata, Schema
from mcap.stream_reader import get_chunk_data_stream

from her_ros.bags.errors import BagError

#: the metadata record that carries the facts of a bag
FACTS_RECORD = 'her_ros'

_MAGIC = b'\x89MCAP0\r\n'
_PREFIX = struct.Struct('<BQ')
_FOOTER = struct.Struct('<BQQQI8s')
_DATA_END = struct.Struct('<BQI')
_CHANNEL_ID = struct.Struct('<H')
# channel, sequence, log time, publish time
_MESSAGE_PREFIX_SIZE = 2 + 4 + 8 + 8


class McapFile:
    """What a bare file holds.

    :param content: the whole file
    :param is_wanted: tells from topic and message type whether to keep the messages; None for
        the facts alone
    :raises BagError: if the file is cut short or a checksum is wrong; damage that no checksum
        covers can raise whatever mcap raises
    """

    def __init__(self, content: bytes, is_wanted: Callable[[str, str], bool] | None) -> None:
        #: strings that the writer left
        self.facts: dict[str, str] = {}
        #: message type by topic
        self.topics: dict[str, str] = {}
        #: messages in CDR by wanted topic
        self.messages: dict[str, list[memoryview]] = {}
        self._is_wanted = is_wanted
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, list[memoryview] | None] = {}
        data_end, self._is_checked = _check_whole(content)
        self._take(memoryview(content), len(_MAGIC), data_end)

    def _take(self, content: memoryview, begin: int, end: int) -> None:
        for kind, start, stop in _records(content, begin, end):
            if kind == Opcode.MESSAGE:
                (channel_id,) = _CHANNEL_ID.unpack_from(content, start)
                messages = self._channels[channel_id]
                if messages is not None:
                    messages.append(content[start + _MESSAGE_PREFIX_SIZE : stop])
            elif kind == Opcode.CHUNK and self._is_wanted:
                self._take_chunk(Chunk.read(_stream(content[start:stop])))
            elif kind == Opcode.SCHEMA:
                schema = Schema.read(_stream(content[start:stop]))
                self._schemas[schema.id] = schema.name
            elif kind == Opcode.CHANNEL:
                self._add_channel(Channel.read(_stream(content[start:stop])))
            elif kind == Opcode.METADATA:
                metadata = Metadata.read(_stream(content[start:stop]))
                if metadata.name == FACTS_RECORD:
                    self.facts.update(metadata.metadata)

    def _take_chunk(self, chunk: Chunk) -> None:
        stream, size = get_chunk_data_stream(chunk, validate_crc=not self._is_checked)
        self._take(memoryview(stream.read(size)), 0, size)

    def _add_channel(self, channel: Channel) -> None:
        message_type = self._schemas.get(channel.schema_id, '')
        self.topics[channel.topic] = message_type
        if self._is_wanted and self._is_wanted(channel.topic, message_type):
            self._channels[channel.id] = self.messages.setdefault(channel.topic, [])
        else:
            self._channels[channel.id] = None


def _stream(content: memoryview) -> ReadDataStream:
    return ReadDataStream(BytesIO(content))


def _records(content: memoryview, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    while begin < end:
        kind, length = _PREFIX.unpack_from(content, begin)
        start = begin + _PREFIX.size
        begin = start + length
        if begin > end:
            raise BagError(f'damaged: the record at byte {start} claims {length} bytes')
        yield kind, start, begin


def _check_whole(content: bytes) -> tuple[int, bool]:
    """Check both ends and both checksums of a file.

    A checksum of 0 stands for none: `ros2 bag record` leaves out the one of the data section.

    :return: where the data section ends, and whether a checksum covered it
    """
    if not content.startswith(_MAGIC):
        raise BagError('not an MCAP file' if content else 'the file is empty')
    footer_start = len(content) - _FOOTER.size
    if footer_start < len(_MAGIC) + _DATA_END.size or not content.endswith(_MAGIC):
        raise BagError(
            'the file is cut short; copy it again, or drop it if its recorder was killed'
        )
    kind, length, summary_start, _, summary_crc, _ = _FOOTER.unpack_from(content, footer_start)
    summary_start = summary_start or footer_start  # 0: there is no summary
    data_end = summary_start - _DATA_END.size
    if (kind, length) != (Opcode.FOOTER, 20) or not len(_MAGIC) <= data_end < footer_start:
        raise BagError('damaged: its footer is not one')
    view = memoryview(content)
    if summary_crc and zlib.crc32(view[summary_start : len(content) - 12]) != summary_crc:
        raise BagError('damaged: the checksum of the summary is wrong; copy the file again')
    kind, length, data_crc = _DATA_END.unpack_from(content, data_end)
    if (kind, length) != (Opcode.DATA_END, 4):
        raise BagError('damaged: its data section has no end')
    if data_crc and zlib.crc32(view[:data_end]) != data_crc:
        raise BagError('damaged: the checksum of the data is wrong; copy the file again')
    return data_end, data_crc != 0
