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

"""Standard output and error that survive closed pipes, lost terminals and narrow encodings."""

import errno
import io
import os
import shutil
import signal
import sys
import textwrap
from typing import Any

# A closed terminal, a lost connection, and a pipe without a reader.
_GONE = (errno.EIO, errno.ENXIO, errno.EPIPE)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def fitted(text: str, columns: int) -> str:
    """
    Return lines broken at spaces; what follows a break is indented.

    :param columns: of the terminal; longer words, such as paths, stay whole
    """
    return '\n'.join(
        textwrap.fill(
            line,
            columns,
            subsequent_indent='  ',
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def say(text: str) -> None:
    """Print lines on standard output; on a terminal they fit its width."""
    print(fitted(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


class _Descriptor(io.FileIO):
    """A standard stream that drops output if its other end is closed or the disk is full."""

    def __init__(self, descriptor: int, ends_with_reader: bool) -> None:
        super().__init__(descriptor, 'w', closefd=False)
        self._ends_with_reader = ends_with_reader
        self._gone = False

    def write(self, content: Any, /) -> int:
        """
        Write; see :class:`io.RawIOBase`.

        :raises SystemExit: once, if the reader of a pipe has ended
        """
        if not self._gone:
            try:
                return super().write(content) or 0
            except OSError as error:
                if error.errno in _FULL and not self._ends_with_reader:
                    return memoryview(content).nbytes  # the node's log lacks a line
                if error.errno not in _GONE:
                    raise
                self._gone = True
                if error.errno == errno.EPIPE and self._ends_with_reader:
                    # The status that a shell gives to ordinary tools.
                    raise SystemExit(128 + signal.SIGPIPE) from None
        return memoryview(content).nbytes


def steady_output(ends_with_reader: bool) -> None:
    """
    Keep ``sys.stdout`` and ``sys.stderr`` usable after their other end was closed.

    Output to a terminal that was closed is dropped, so that a run goes on without it. Characters
    that the encoding lacks are replaced.

    :param ends_with_reader: whether the process ends when the reader of a pipe has ended, as
        commands do in ``her-ros … | head``; otherwise that output is dropped, too
    """
    for name, descriptor in (('stdout', 1), ('stderr', 2)):
        old = getattr(sys, name)
        try:
            if old is None or old.fileno() != descriptor:
                continue  # replaced by other code, such as a test
            old.flush()
            os.fstat(descriptor)
        except (OSError, ValueError):
            continue
        raw = _Descriptor(descriptor, ends_with_reader)
        new = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=old.encoding,
            errors='replace' if name == 'stdout' else 'backslashreplace',
            line_buffering=name == 'stderr' or raw.isatty() or not ends_with_reader,
        )
        setattr(sys, name, new)
