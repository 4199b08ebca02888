"""Atomic file writes, and files that one process locks."""

import fcntl
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from io import BufferedWriter
from pathlib import Path
from typing import IO

from her_ros.runtime.errors import HerRosError


class FileError(HerRosError):
    """A file that cannot be written."""


# A symbolic link is never followed.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

# A process that removes a leftover holds it for less than this.
_REMOVAL_S = 0.5


def write_whole(path: Path, content: bytes | Callable[[Path], None]) -> None:
    """Write a file so that a reader, or a power cut, sees the old one or the whole new one.

    :param content: the bytes, or a function that writes the temporary file it is given
    :raises FileError: if the disk is full, or the folder cannot be written
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        # A link of this name, or what a killed process of the same number left.
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
            source=path,
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes left when they wrote a file.

    The caller makes sure that nobody else writes the file at present.
    """
    for temporary in path.parent.glob(f'.{escape(path.name)}.*.tmp'):
        temporary.unlink(missing_ok=True)


def create_held(path: Path) -> BufferedWriter:
    """Make a temporary file that this process holds until it is closed.

    While it is held, :func:`remove_unheld` leaves it alone. What a killed process left under the
    name is replaced.

    :raises FileExistsError: if a living process holds it
    :raises OSError: if it cannot be made
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
        # It may have been taken for a leftover before it was held.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return open(descriptor, 'wb')
        os.close(descriptor)


def remove_unheld(path: Path) -> None:
    """Remove a temporary file, or a folder of them, unless a living process holds one.

    Whatever cannot be looked at stays.
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
    """Hold a file while it is removed; a link or a pipe has no holder.

    :raises OSError: if a living process holds it, it has gone, or another one has taken its place
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    file = stack.enter_context(path.open('rb+'))
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        raise FileExistsError(f'{path}: written anew')


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that its place is free and nothing is lost.

    :return: where it lies now, such as ``bag.mcap.damaged_1``
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
    for file in temporary.iterdir():
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
    """Return the SHA-256 of a file, hexadecimal.

    :raises HerRosError: if it is no regular file
    """
    require_regular(path)
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def require_regular(path: Path) -> None:
    """Check that reading a file comes to an end, as it does not of a pipe or a device.

    :raises HerRosError: if it is no regular file
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise HerRosError('not a regular file', source=path)


# What is read of a lock file; a damaged one may hold anything.
_HOLDER_LENGTH = 500


class InUse(HerRosError):
    """A lock file that another process holds; the text is what that one left in it."""


@contextmanager
def locked(path: Path, holder: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a lock file, as long as this process lives at the most.

    :param holder: what others read in it meanwhile
    :param patience_s: how long to wait for another process to release it
    :raises InUse: if another process holds it
    :raises OSError: if it cannot be written, or is a symbolic link
    """
    # A link would have its target truncated.
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
    # Such as "1: FLOCK  ADVISORY  WRITE 4242 fe:00:2408716 0 EOF"; -> stands before who waits.
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
