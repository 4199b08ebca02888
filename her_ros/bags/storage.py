"""What every form of bag holds: messages on channels."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import zstandard

from her_ros.bags.errors import BagError

#: messages are handed out in batches of about this size, bytes
BATCH_SIZE = 1 << 20
#: the environment variable that sets the largest chunk and message, MB
LIMIT_VARIABLE = 'HER_ROS_BAG_LIMIT_MB'
_LIMIT_MB = 256
#: bytes to decompress at a time; the densest blocks make 32 MB of them
ZSTD_FEED = 1 << 10
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'

#: tells from topic and message type whether messages are wanted
Wanted = Callable[[str, str], bool]
#: takes note of damage; a reader that goes on reads what is left
OnDamage = Callable[[str], None]


@dataclass(frozen=True)
class Channel:
    """A topic as one recorder saw it."""

    topic: str
    #: such as ``sensor_msgs/msg/PointCloud2``
    message_type: str
    message_encoding: str = 'cdr'
    #: language and text of the message definition; empty where nobody wrote it down
    schema_encoding: str = ''
    schema: bytes = b''
    #: YAML, as the recorder left it
    offered_qos_profiles: str = ''
    type_hash: str = ''


class Message(NamedTuple):
    """One serialised message; times in nanoseconds, as recorded."""

    channel: Channel
    log_time_ns: int
    publish_time_ns: int
    sequence: int
    content: bytes | memoryview


def refuse(damage: str) -> NoReturn:
    """Read nothing more of a damaged bag.

    :raises BagError: always
    """
    raise BagError(damage)


def is_compressed(content: bytes | memoryview) -> bool:
    """Tell a compressed message from one in CDR, whose first byte is 0."""
    return content[:4] == _ZSTD_MAGIC


def size_limit() -> int:
    """Return the size of the largest chunk or message that is decompressed, bytes.

    :raises BagError: if the environment variable that sets it holds no positive whole number
    """
    text = os.environ.get(LIMIT_VARIABLE, str(_LIMIT_MB))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 40):
        raise BagError(f'{LIMIT_VARIABLE} is {text!r}; set it to a number of megabytes')
    return int(text) << 20


def too_large(what: str, limit: int | None = None) -> BagError:
    """Return the error of something that exceeds the limit, or one derived from it, bytes."""
    megabytes = (limit or size_limit()) >> 20
    return BagError(f'{what} is larger than {megabytes} MB; set {LIMIT_VARIABLE} to read it')


def unpacked_zstd(content: bytes | memoryview, limit: int, what: str) -> bytes:
    """Decompress one zstd frame in bounded memory, whatever size it claims.

    :param limit: largest size of the result, bytes
    :param what: names the content in errors
    :raises BagError: if the result is larger, or the frame is damaged
    """
    found, size = [], 0
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    try:
        for begin in range(0, len(content), ZSTD_FEED):
            found.append(decompressor.decompress(content[begin : begin + ZSTD_FEED]))
            size += len(found[-1])
            if size > limit:
                raise too_large(what)
            if decompressor.eof:
                return b''.join(found)
    except zstandard.ZstdError as error:
        raise BagError(f'damaged: {what}: {error}') from error
    raise BagError(f'damaged: {what} has no end')


def decompressed(content: bytes | memoryview) -> bytes | memoryview:
    """Return a message as it was sent; `--compression-mode message` stores each as zstd.

    :raises BagError: if it is damaged or larger than the limit
    """
    if not is_compressed(content):
        return content
    return unpacked_zstd(content, size_limit(), 'a compressed message')
