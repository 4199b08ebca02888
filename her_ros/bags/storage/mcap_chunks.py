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

"""Read chunks of an MCAP file, whole or truncated, and find the next one after damage."""

from contextlib import suppress
import re
import struct
from typing import BinaryIO

from her_ros.bags.storage.limits import chunk_content, Expansion, limit
from her_ros.bags.storage.mcap_file import RECORD_PREFIX, stream_of
from her_ros.bags.storage.messages import BATCH_SIZE
import lz4.frame
from mcap.records import Chunk
import zstandard

# Prefix, times, size, checksum, compression and size of the data of a chunk: a pattern that bytes
# of a message do not match by chance. It is a lookahead, so that a false match does not hide a
# chunk that begins within it.
_CHUNK_HEAD = re.compile(
    rb'(?=\x06(.{8}).{16}.{8}.{4}(\0\0\0\0|\x03\0\0\0lz4|\x04\0\0\0zstd)(.{8}))', re.DOTALL
)
_LONGEST_CHUNK_HEAD = 9 + 28 + 8 + 8
_CHUNK_FIXED = 8 + 8 + 8 + 4 + 4 + 8
# Bytes of input per step; this many bytes of compressed zeros expand to some megabytes.
_FEED = 1 << 8


def chunk_after(file: BinaryIO, position: int, end: int) -> int | None:
    """
    Find the next whole chunk after damage.

    :param position: start of the search, bytes
    :param end: end of the search, bytes
    :return: position of its record
    """
    while position < end:
        file.seek(position)
        block = file.read(BATCH_SIZE + _LONGEST_CHUNK_HEAD)
        for found in _CHUNK_HEAD.finditer(block):
            length, size = (int.from_bytes(found[each], 'little') for each in (1, 3))
            begin = position + found.start()
            fits = length == _CHUNK_FIXED + len(found[2]) - 4 + size
            if fits and begin + RECORD_PREFIX.size + length <= end:
                return begin
        position += BATCH_SIZE
    return None


def whole_chunk(content: bytes, expansion: Expansion) -> bytes:
    """
    Decompress the content of a chunk record.

    :param expansion: counter of the file's decompressed bytes
    :raises BagError: if its checksum or size is wrong, or it is larger than the limit
    """
    chunk = Chunk.read(stream_of(content))
    expansion.add(chunk.uncompressed_size)
    return chunk_content(
        chunk.compression, chunk.data, chunk.uncompressed_size, chunk.uncompressed_crc
    )


def front_of_chunk(content: bytes) -> bytes:
    """Decompress as much as possible of a chunk record that is cut short."""
    begin = _CHUNK_FIXED - 8
    (length,) = struct.unpack_from('<I', content, begin - 4)
    end = begin + length
    compression = content[begin:end]
    compressed = content[end:][8:]
    if compression == b'':
        return compressed
    if compression == b'lz4':
        return lz4.frame.LZ4FrameDecompressor().decompress(compressed, max_length=limit())
    found, size = [], 0
    with suppress(zstandard.ZstdError):
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        # In small pieces, so that everything in front of the damage is kept.
        for position in range(0, len(compressed), _FEED):
            end = position + _FEED
            found.append(decompressor.decompress(compressed[position:end]))
            size += len(found[-1])
            if size > limit():
                break
    return b''.join(found)
