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

"""Malicious bags: files of kilobytes that declare, or decompress to, gigabytes."""

from collections.abc import Callable
from contextlib import closing
from functools import cache
import io
import sqlite3
import struct
from typing import Any

import lz4.frame
import zstandard

MIB = 1 << 20
_MAGIC = b'\x89MCAP0\r\n'
_SIZE = 600 * MIB


def mcap_of(*chunks: tuple[str, int, bytes]) -> bytes:
    """Return an MCAP file of chunks: (compression, claimed size, compressed content)."""
    packed = [
        _record(
            6,
            struct.pack('<QQQI', 0, 0, claimed, 0)
            + _text(name)
            + struct.pack('<Q', len(content))
            + content,
        )
        for name, claimed, content in chunks
    ]
    end = _record(15, struct.pack('<I', 0)) + _record(2, struct.pack('<QQI', 0, 0, 0))
    return _MAGIC + _record(1, _text('ros2') + _text('x')) + b''.join(packed) + end + _MAGIC


@cache
def bombs() -> dict[str, bytes]:
    """Return files by name, each of which holds more than half a gigabyte, or says so."""
    plain = _zeros(_zstd, _SIZE)
    # A message compressed by itself, many times in a compressed chunk.
    nested = _channel() + 60 * _message(_zeros(_zstd, 100 * MIB))
    return {
        'zstd.mcap': mcap_of(('zstd', _SIZE, plain)),
        'zstd_lies.mcap': mcap_of(('zstd', 1000, plain)),
        'lz4.mcap': mcap_of(('lz4', _SIZE, _zeros(_lz4, _SIZE))),
        'lz4_lies.mcap': mcap_of(('lz4', 1000, _zeros(_lz4, _SIZE))),
        'claims.mcap': mcap_of(('', 1 << 62, b'')),
        'nested.mcap': mcap_of(('zstd', len(nested), zstandard.ZstdCompressor().compress(nested))),
        'many.mcap': mcap_of(*[('zstd', 120 * MIB, _zeros(_zstd, 120 * MIB))] * 8),
        'file.mcap.zstd': plain,
        'file.db3.zstd': plain,
    }


# Definitions in a chunk, chunks, and bytes of each definition.
_DEFINITIONS, _CHUNKS, _LENGTH = 8000, 6, 7000


@cache
def floods() -> dict[str, bytes]:
    """Return files by name that define hundreds of megabytes of topics, types or metadata."""
    name = 'x' * _LENGTH
    made = {
        'schemas.mcap': lambda n: _record(
            3, struct.pack('<H', n + 1) + _text(f'a/msg/A{n}') + _text('ros2msg') + _text(name)
        ),
        'channels.mcap': lambda n: _channel_record(n, f'/{n}/{name}'),
        'rebound.mcap': lambda n: _channel_record(1, f'/{n}/{name}'),
        'metadata.mcap': lambda n: _record(12, _text('her_ros') + _record_map(f'{n}', name)),
    }
    return {
        **{file: _flood(definition) for file, definition in made.items()},
        'topics.db3.zstd': zstandard.ZstdCompressor().compress(_sqlite_flood()),
    }


def _flood(definition: Callable[[int], bytes]) -> bytes:
    chunks = []
    for first in range(0, _CHUNKS * _DEFINITIONS, _DEFINITIONS):
        content = b''.join(map(definition, range(first, first + _DEFINITIONS)))
        chunks.append(('zstd', len(content), zstandard.ZstdCompressor().compress(content)))
    return mcap_of(*chunks)


def _sqlite_flood() -> bytes:
    with closing(sqlite3.connect(':memory:')) as connection:
        connection.executescript(f"""
            CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data);
            CREATE TABLE topics(id INTEGER PRIMARY KEY, name, type, serialization_format);
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {_CHUNKS * _DEFINITIONS}
            )
            INSERT INTO topics SELECT n, printf('/%d/%.{_LENGTH}c', n, 'x'), 'a/msg/A', 'cdr'
            FROM numbers;
        """)
        return connection.serialize()


def _channel_record(number: int, topic: str) -> bytes:
    return _record(4, struct.pack('<HH', number, 0) + _text(topic) + _text('cdr') + bytes(4))


def _record_map(key: str, value: str) -> bytes:
    content = _text(key) + _text(value)
    return struct.pack('<I', len(content)) + content


def _record(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + struct.pack('<Q', len(content)) + content


def _text(value: str) -> bytes:
    return struct.pack('<I', len(value)) + value.encode()


def _channel() -> bytes:
    """Return schema and channel of a topic of bytes."""
    schema = struct.pack('<H', 1) + _text('std_msgs/msg/UInt8MultiArray') + _text('ros2msg')
    channel = struct.pack('<HH', 1, 1) + _text('/step') + _text('cdr') + struct.pack('<I', 0)
    return _record(3, schema + _text('uint8[] data\n')) + _record(4, channel)


def _message(content: bytes) -> bytes:
    return _record(5, struct.pack('<HIQQ', 1, 0, 0, 0) + content)


def _zeros(compressor: Callable[[io.BytesIO], Any], size: int) -> bytes:
    """Return compressed zeros, which take a thousandth of the memory that they claim."""
    out = io.BytesIO()
    with compressor(out) as stream:
        for _ in range(size // MIB):
            stream.write(bytes(MIB))
    return out.getvalue()


def _zstd(out: io.BytesIO) -> Any:
    return zstandard.ZstdCompressor().stream_writer(out, closefd=False)


def _lz4(out: io.BytesIO) -> Any:
    return lz4.frame.LZ4FrameFile(out, 'wb')
