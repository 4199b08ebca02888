"""Files that are there whole or not at all."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path


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


def publish_file(temporary: Path, path: Path) -> None:
    """Give a finished temporary file its final name: fsync, rename, fsync of the folder."""
    _sync(temporary, os.O_RDONLY)
    temporary.rename(path)
    _sync(path.parent, os.O_DIRECTORY)


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
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
