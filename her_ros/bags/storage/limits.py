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
Limits on the memory that readers use, whatever sizes a file claims.

A few hundred bytes can claim, or decompress to, gigabytes. So every size is compared with a limit
before memory is allocated for it, and decompression stops at that limit.
"""

from collections.abc import Callable
import os
from pathlib import Path
import zlib

from her_ros.bags.errors import BagError, RecoverableError
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import require_regular
import lz4.frame
import zstandard

#: environment variable: largest record, chunk or message that is read, MiB
LIMIT_VARIABLE = 'HER_ROS_MAX_RECORD_MIB'
_DEFAULT_MIB = 128
_MIB = 1 << 20
# Recorded data decompresses to a hundred times its size at the most, zeros to thousands of times.
_LARGEST_RATIO = 1000
# Memory of the objects that are made for a topic, a definition or an attachment, bytes.
_KEPT_OVERHEAD = 2048
# First buffer size for a compressed message that does not say how long it is.
_FIRST_GUESS = 1 << 16


def limit() -> int:
    """
    Return the largest record, chunk or message that is read, bytes.

    :raises BagError: if ``LIMIT_VARIABLE`` is no positive integer
    """
    text = os.environ.get(LIMIT_VARIABLE, '') or str(_DEFAULT_MIB)
    if not text.isdecimal() or not int(text):
        raise BagError(f'{LIMIT_VARIABLE} is {text!r}', 'it must be a positive integer, MiB')
    return int(text) * _MIB


def check_size(size: int, what: str) -> None:
    """
    Check a size before memory is allocated for it.

    :param size: bytes
    :raises BagError: if it is beyond the limit
    """
    # Called for every message, so the limit, at least a mebibyte, is looked up only when needed.
    if size > _MIB and size > limit():
        raise BagError(
            f'{what} has {size / _MIB:,.0f} MiB, the limit is {limit() // _MIB} MiB',
            f'if the file is right, set {LIMIT_VARIABLE} higher',
        )


class Expansion:
    """
    Adds up the decompressed bytes of a file and refuses decompression bombs.

    :param file_size: bytes on disk
    :param ratio: how many times its size, beyond the limit, a file may decompress to
    """

    def __init__(self, file_size: int, ratio: int = _LARGEST_RATIO) -> None:
        self._allowed = limit() + ratio * file_size
        self._used = 0

    def add(self, size: int) -> None:
        """
        Count decompressed bytes.

        :raises BagError: if they are too many for such a file
        """
        self._used += size
        if self._used > self._allowed:
            raise BagError(
                f'decompresses to more than {self._allowed / _MIB:,.0f} MiB, too much for its'
                f' size',
                f'if the file is right, set {LIMIT_VARIABLE} higher',
            )


class Kept:
    """
    Bounds the memory of topics and metadata that a reader keeps while it reads a file.

    :param what: description of the kept values for the user
    :param on_full: called once, when a value is left out
    :param share: share of the limit that may be used
    """

    def __init__(
        self, what: str, on_full: Callable[[BagError], None], share: float = 0.25
    ) -> None:
        self._what, self._on_full = what, on_full
        self._left = self._most = int(share * limit())
        self._is_full = False

    def takes(self, *parts: str | bytes) -> bool:
        """Reserve memory for values; return whether there is room for them."""
        size = _KEPT_OVERHEAD + sum(map(len, parts))
        if size <= self._left:
            self._left -= size
            return True
        if not self._is_full:
            self._is_full = True
            most = f'{self._most / _MIB:,.0f} MiB'
            self._on_full(
                BagError(
                    f'{self._what} take more than {most}, the rest is left out',
                    f'if the file is right, set {LIMIT_VARIABLE} higher',
                )
            )
        return False


def zstd_decompressed(content: bytes | memoryview) -> bytes:
    """
    Decompress a zstd frame, within the limit.

    :raises BagError: if it is larger
    :raises zstandard.ZstdError: if it is damaged or cut short
    """
    decompressor = zstandard.ZstdDecompressor()
    size = zstandard.frame_content_size(content)
    if size >= 0:
        check_size(size, 'a compressed message')
        return decompressor.decompress(content)
    guess = max(_FIRST_GUESS, 32 * len(content))
    while True:
        guess = min(guess, limit())
        try:
            return decompressor.decompress(content, max_output_size=guess)
        except zstandard.ZstdError:
            if guess == limit():
                raise
            guess *= 16


def chunk_content(compression: str, data: bytes, size: int, checksum: int) -> bytes:
    """
    Decompress the content of an MCAP chunk, within the limit.

    :param size: decompressed size that the chunk claims, bytes
    :param checksum: CRC-32 of the content; 0: none
    :raises BagError: if it is too large, damaged, or of another size
    """
    check_size(size, 'a chunk')
    if compression == 'zstd':
        claimed = zstandard.frame_content_size(data)
        if claimed > size:
            raise RecoverableError(f'a chunk of {size} bytes decompresses to {claimed}')
        content = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    elif compression == 'lz4':
        decompressor = lz4.frame.LZ4FrameDecompressor()
        content = decompressor.decompress(data, max_length=size + 1)
        if not decompressor.eof:
            raise RecoverableError(f'a chunk of {size} bytes is cut short or decompresses to more')
    elif compression == '':
        content = data
    else:
        raise RecoverableError(f'a chunk has the unknown compression {compression!r}')
    if checksum and zlib.crc32(content) != checksum:
        raise RecoverableError('the checksum of a chunk is wrong')
    return content


def check_regular(path: Path, folder: Path | None = None) -> None:
    """
    Check that a path is a regular file and no link out of its bag.

    :param folder: the bag that the file belongs to; nothing outside of it is read
    :raises BagError: if it is a pipe, a device or a folder, or a link out of the bag
    :raises OSError: if there is no such file
    """
    try:
        require_regular(path)
    except HerRosError:
        raise BagError(f'{path.name} is not a regular file', 'name a file or folder') from None
    if folder is not None and path.resolve().parent != folder.resolve():
        raise BagError(
            f'{path.name} is a link to a file outside of the bag', 'copy the file to its place'
        )
