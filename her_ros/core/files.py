"""Files that are there whole or not at all, and files that one process holds."""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import IO

from her_ros.core.errors import HerRosError


def write_whole(path: Path, content: bytes | Callable[[Path], None]) -> None:
    """Write a file so that a reader, or a power cut, sees the old one or the whole new one.

    :param content: the bytes, or a function that writes the temporary file it is given
    """
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        if callable(content):
            content(temporary)
        else:
            temporary.write_bytes(content)
        publish_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes left when they wrote a file.

    The caller makes sure that nobody else writes the file at present.
    """
    for temporary in path.parent.glob(f'.{escape(path.name)}.*.tmp'):
        temporary.unlink(missing_ok=True)


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
        raise HerRosError(f'{path}: not a regular file')


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


def _flock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), '')
    return ''.join(char if char.isprintable() else '?' for char in line)
