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

"""Report the error that ends a process to its user and to its parent process."""

from contextlib import suppress
import json
import os
from pathlib import Path
import sys

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import FileError, write_whole

#: environment variable: file for the error; each process sets its own for the processes it starts
ERROR_FILE = 'HER_ROS_ERROR_FILE'


def report(error: Exception, program: str) -> None:
    """
    Print the error that ends this process, and write it to the file in :data:`ERROR_FILE`.

    Output that cannot be written, such as a line to a log on a full disk, is dropped.

    :param program: first word of the line
    """
    with suppress(OSError):
        print(f'{program}: {error}', file=sys.stderr, flush=True)
    if path := os.environ.get(ERROR_FILE):
        plain = error if isinstance(error, HerRosError) else HerRosError(str(error))
        fields = {'problem': plain.problem, 'cure': plain.cure, 'source': plain.source}
        with suppress(FileError):
            write_whole(Path(path), json.dumps(fields).encode())


def error_file(log: Path) -> Path:
    """Return the path of the error file of a process, beside its log."""
    return log.with_suffix('.error.json')


def take_error(path: Path) -> HerRosError | None:
    """Read the error in an error file, and remove the file; return None if there is none."""
    error = None
    with suppress(OSError, ValueError, TypeError):
        error = HerRosError(**json.loads(path.read_text('utf-8')))
    path.unlink(missing_ok=True)
    return error
