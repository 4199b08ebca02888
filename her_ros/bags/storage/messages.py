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

"""Messages and channels, as every bag format holds them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from her_ros.bags.errors import BagError, RecoverableError
from her_ros.bags.storage.limits import zstd_decompressed
import zstandard

#: size of a batch of messages, bytes, approximate
BATCH_SIZE = 1 << 20
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'

#: tells from topic and message type whether messages are wanted
Wanted = Callable[[str, str], bool]
#: called with each damage found; if it returns, reading goes on
OnDamage = Callable[[BagError], None]


@dataclass(frozen=True)
class Channel:
    """A topic as one recorder described it."""

    topic: str
    #: such as ``sensor_msgs/msg/PointCloud2``
    message_type: str
    message_encoding: str = 'cdr'
    #: language and text of the message definition; empty if the recorder left them out
    schema_encoding: str = ''
    schema: bytes = b''
    #: YAML, as the recorder wrote it
    offered_qos_profiles: str = ''
    type_hash: str = ''


class Message(NamedTuple):
    """One serialised message; times in nanoseconds, as recorded."""

    channel: Channel
    log_time_ns: int
    publish_time_ns: int
    sequence: int
    content: bytes | memoryview


def refuse(damage: BagError) -> NoReturn:
    """
    Stop reading a damaged bag.

    :raises BagError: always
    """
    try:
        raise damage
    finally:
        # Otherwise the error's traceback would hold the error, and both would hold the bag.
        del damage


def is_compressed(content: bytes | memoryview) -> bool:
    """Tell whether a message is compressed; the first byte of CDR is 0."""
    return content[:4] == _ZSTD_MAGIC


def decompressed(content: bytes | memoryview) -> bytes | memoryview:
    """
    Return a message as it was sent; `--compression-mode message` stores each as zstd.

    :raises BagError: if it is damaged, or larger than the limit
    """
    if not is_compressed(content):
        return content
    try:
        return zstd_decompressed(content)
    except zstandard.ZstdError as error:
        raise RecoverableError(f'damaged: a compressed message: {error}') from error
