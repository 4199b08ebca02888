"""Report the error that ends a process to its user and to its parent process."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import FileError, write_whole

#: environment variable: file that takes the error; each process that starts others sets it anew
ERROR_FILE = 'HER_ROS_ERROR_FILE'


def report(error: Exception, program: str) -> None:
    """Print the error that ends this process, and write it where :data:`ERROR_FILE` says.

    What cannot be written, such as a line to a log on a full disk, is dropped.

    :param program: what the line begins with
    """
    with suppress(OSError):
        print(f'{program}: {error}', file=sys.stderr, flush=True)
    if path := os.environ.get(ERROR_FILE):
        plain = error if isinstance(error, HerRosError) else HerRosError(str(error))
        fields = {'problem': plain.problem, 'cure': plain.cure, 'source': plain.source}
        with suppress(FileError):
            write_whole(Path(path), json.dumps(fields).encode())


def error_file(log: Path) -> Path:
    """Return the file beside a process's log that takes the error that ends the process."""
    return log.with_suffix('.error.json')


def take_error(path: Path) -> HerRosError | None:
    """Return the error that a process left in a file, and remove the file; None: it left none."""
    error = None
    with suppress(OSError, ValueError, TypeError):
        error = HerRosError(**json.loads(path.read_text('utf-8')))
    path.unlink(missing_ok=True)
    return error
