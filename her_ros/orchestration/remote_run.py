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

"""A training of an experiment on another machine of a cluster, and what it brings back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

from her_ros import __version__
from her_ros.orchestration.jobs import Job, stop
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import create_held, remove_unheld, write_whole
from her_ros.runtime.last_error import ERROR_FILE, error_file, take_error
from her_ros.runtime.process import die_with_parent
from her_ros.runtime.run_folder import RunFolder

# The program that trains.
_TRAIN = ('-P', '-m', 'her_ros.cli.main', 'train')
# Folders of a run that stay where it was made: bags are large, and starts are of that machine.
_LEFT_BEHIND = ('bags', 'starts')
_LEFT_FILES = ('lock', 'join.json', 'params.yaml')
# Most of a log that comes back, bytes.
_LOG_END = 1 << 20
# Begin of the names of temporary folders.
_OWN = 'her_ros_run_'
# Seconds between two looks at a training.
_POLL_S = 0.1


@dataclass(frozen=True)
class Order:
    """A training to make."""

    version: str
    task: str
    #: folder of the run on the machine of the experiment
    folder: Path
    #: id of the run: where the folder has it, it is the same folder
    identity: str
    #: content of ``params.yaml``
    parameters: bytes
    namespace: str
    #: file for its output on the machine of the experiment
    log: Path
    #: arguments of Python that start the training
    program: Sequence[str] = _TRAIN

    @classmethod
    def of(cls, job: Job) -> 'Order':
        """Describe a job."""
        folder = job.run.folder
        return cls(
            __version__,
            job.run.task,
            folder.path,
            folder.identity,
            folder.params.read_bytes(),
            job.namespace,
            job.log.absolute(),
        )


@dataclass
class Parcel:
    """What a training brings back."""

    #: last part of what it printed; empty where the folder is shared
    log: bytes = b''
    #: error that ended it; empty: none, or it named none
    error: str = ''
    #: files of the finished run by their paths in its folder; empty where the folder is shared
    files: dict[str, bytes] = field(default_factory=dict)

    def unpack(self, job: Job) -> None:
        """
        Write log and files.

        ``result.json`` follows what it describes, since a run with it has finished. The checkpoint
        comes last: without the bags, nothing goes on from it, also not after an interruption.

        :raises OSError: if the log cannot be written
        :raises FileError: if another file cannot be written
        """
        folder = job.run.folder
        last = [folder.result.name, folder.checkpoint.name]
        with job.log.open('ab') as log:
            log.write(self.log)
        for name in sorted(self.files, key=lambda name: last.index(name) if name in last else -1):
            path = folder.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self.files[name])


def train_here(order: Order) -> Parcel:
    """
    Make a training on this machine, in its own folder where that is here, or in a new one.

    :raises HerRosError: if another version of this package is installed here
    """
    if order.version != __version__:
        raise HerRosError(
            f'her_ros {__version__} here, but {order.version} where the experiment runs',
            'install the same version on all machines',
        )
    with _own_folder() as own:
        if RunFolder(order.folder).identity == order.identity:
            return Parcel(error=_trained(order, RunFolder(order.folder), order.log))
        folder = RunFolder(own / 'runs' / order.task / order.folder.name)
        folder.create()
        write_whole(folder.params, order.parameters)
        log = own / 'log'
        error = _trained(order, folder, log)
        files = _content(folder.path) if folder.result.exists() else {}
        return Parcel(_end_of(log), error, files)


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Make a temporary folder, and remove those of killed processes."""
    for lock in Path(tempfile.gettempdir()).glob(f'{_OWN}*/lock'):
        remove_unheld(lock.parent)
    with tempfile.TemporaryDirectory(prefix=_OWN) as own:
        new = Path(own) / 'new'
        with create_held(new):
            new.rename(new.with_name('lock'))  # nobody finds it before it is held
            yield Path(own)


def _trained(order: Order, folder: RunFolder, log: Path) -> str:
    """Train in a folder, and append to a log; return the error that ended it, if any."""
    command = [
        sys.executable, *order.program, '--task', order.task,
        '--runs', str(folder.path.parents[1]), '--name', folder.path.name,
        '--namespace', order.namespace, '--no-report',
    ]  # fmt: skip
    take_error(error_file(log))  # of an earlier start
    with log.open('ab') as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, ERROR_FILE: str(error_file(log))},
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        # Ray's interrupt does not end a wait.
        while process.poll() is None:
            time.sleep(_POLL_S)
    finally:
        stop([process])
    return str(take_error(error_file(log)) or '')


def _end_of(log: Path) -> bytes:
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - _LOG_END))
        return file.read()


def _content(folder: Path) -> dict[str, bytes]:
    """Read the files of a run that another machine has a use for."""
    found = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder)
        is_left = name.parts[0] in _LEFT_BEHIND or str(name) in _LEFT_FILES
        if path.is_file() and not is_left:
            found[str(name)] = path.read_bytes()
    return found
