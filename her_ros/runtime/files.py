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

"""Atomic file writes, and files that one process locks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack, suppress
import fcntl
from glob import escape
import hashlib
from io import BufferedWriter
import os
from pathlib import Path
import shutil
import stat
import time
from typing import IO

from her_ros.runtime.errors import HerRosError

#: cure of everything that cannot be written
WRITABLE = 'check the permissions and the free space there'


class FileError(HerRosError):
    """A file that cannot be written."""


# A symbolic link is never followed.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

# Longest time for which a process that removes a leftover locks it, seconds.
_REMOVAL_S = 0.5


def write_whole(path: Path, content: bytes | Callable[[Path], None]) -> None:
    """
    Write a file atomically: readers, also after a power cut, see the old or the whole new file.

    :param content: the bytes, or a function that writes to the temporary path it is given
    :raises FileError: if the disk is full, or the folder cannot be written
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        # A link of this name, or the leftover of a killed process with the same id.
        temporary.unlink(missing_ok=True)
        with open(os.open(temporary, _NEW, 0o666), 'wb') as file:
            if not callable(content):
                file.write(content)
        if callable(content):
            content(temporary)
        publish_file(temporary, path)
    except OSError as error:
        raise FileError(
            f'cannot be written ({error.strerror}); what was there before is unchanged',
            WRITABLE,
            path,
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """
    Remove the temporary files of killed processes that wrote a file.

    The caller makes sure that no other process is writing the file.
    """
    for temporary in path.parent.glob(f'.{escape(path.name)}.*.tmp'):
        temporary.unlink(missing_ok=True)


def create_held(path: Path) -> BufferedWriter:
    """
    Create a temporary file that this process locks until it is closed.

    While it is locked, :func:`remove_unheld` does not remove it. A file of the same name that a
    killed process left is replaced.

    :raises FileExistsError: if a running process holds the file
    :raises OSError: if it cannot be created
    """
    deadline = time.monotonic() + _REMOVAL_S
    while True:
        remove_unheld(path)
        try:
            descriptor = os.open(path, _NEW, 0o666)
        except FileExistsError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        # Another process may have removed it as a leftover before it was locked.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return open(descriptor, 'wb')
        os.close(descriptor)


def remove_unheld(path: Path) -> None:
    """
    Remove a temporary file, or a folder of them, unless a running process holds one.

    Files that cannot be examined stay.
    """
    with suppress(OSError), ExitStack() as stack:
        if not path.is_dir() or path.is_symlink():
            _hold_leftover(path, stack)
            path.unlink()
        elif files := [*path.iterdir()]:
            for each in files:
                _hold_leftover(each, stack)
            shutil.rmtree(path)
        else:
            path.rmdir()  # fails if a file was made in it meanwhile


def _hold_leftover(path: Path, stack: ExitStack) -> None:
    """
    Lock a file while it is removed; links and pipes are not locked.

    :raises OSError: if a running process holds it, or it was removed or replaced meanwhile
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    file = stack.enter_context(path.open('rb+'))
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        raise FileExistsError(f'{path}: written anew')


def set_aside(path: Path) -> Path:
    """
    Rename a damaged file, so that its path is free and nothing is lost.

    :return: its new path, such as ``bag.mcap.damaged_1``
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f'{path.name}.damaged_{number}')):
        number += 1
    path.rename(aside)
    return aside


def publish_file(temporary: Path, path: Path) -> None:
    """Give a finished temporary file its final name: fsync, rename, fsync of the folder."""
    _sync(temporary, os.O_RDONLY)
    temporary.rename(path)
    _sync(path.parent, os.O_DIRECTORY)


def publish_folder(temporary: Path, path: Path) -> None:
    """Give a finished temporary folder of files its final name, as :func:`publish_file` does."""
    for file in temporary.rglob('*'):
        _sync(file, os.O_RDONLY)
    publish_file(temporary, path)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """
    Return the SHA-256 of a file, hexadecimal.

    :raises HerRosError: if it is no regular file
    """
    require_regular(path)
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def require_regular(path: Path) -> None:
    """
    Check that a file is a regular file, since a pipe or a device may have no end.

    :raises HerRosError: if it is not a regular file
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise HerRosError('not a regular file', 'name a file', path)


# Characters read from a lock file; a damaged one may have any size.
_HOLDER_LENGTH = 500


class InUse(HerRosError):
    """A lock file that another process holds; the message is the text in the file."""


@contextmanager
def locked(path: Path, holder: str, patience_s: float = 0.0) -> Iterator[None]:
    """
    Hold a lock file; it is released when this process ends, at the latest.

    :param holder: text in the file, which identifies this process to others
    :param patience_s: how long to wait for another process to release it
    :raises InUse: if another process holds it
    :raises OSError: if it cannot be written, or is a symbolic link
    """
    # Opening a link would truncate its target.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
    with open(descriptor, 'a+', encoding='utf-8', errors='replace') as file:
        deadline = time.monotonic() + patience_s
        while not _flock(file):
            if time.monotonic() >= deadline:
                file.seek(0)
                raise InUse(_first_line(file.read(_HOLDER_LENGTH)) or 'unknown')
            time.sleep(0.05)
        file.truncate(0)
        file.write(f'{holder}\n')
        file.flush()
        yield


def is_locked(path: Path) -> bool:
    """Tell whether a process of this machine holds a lock file, without touching it."""
    try:
        number = str(path.stat().st_ino)
        lines = Path('/proc/locks').read_text('utf-8').splitlines()
    except OSError:
        return False
    # Such as "1: FLOCK  ADVISORY  WRITE 4242 fe:00:2408716 0 EOF"; waiting processes have "->".
    return any(
        number == words[5].rpartition(':')[2]
        for words in map(str.split, lines)
        if len(words) > 5 and words[1] == 'FLOCK'
    )


def _flock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), '')
    return ''.join(char if char.isprintable() else '?' for char in line)
