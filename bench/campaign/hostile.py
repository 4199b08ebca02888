"""Bags made to do harm: files of kilobytes that claim, or become, gigabytes."""

import io
import struct
from collections.abc import Callable
from functools import cache
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
