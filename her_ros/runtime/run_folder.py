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

"""Layout, lock and start counts of a run folder."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack, suppress
import os
from pathlib import Path
import re
import shutil
from socket import gethostname
from uuid import uuid4

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import (
    InUse,
    locked,
    remove_leftovers,
    require_regular,
    WRITABLE,
    write_whole,
)

# How long a node waits for its predecessor to end, seconds; launchers stop nodes after 8 s.
_PATIENCE_S = 6.0
# Of the number of a node's starts.
_MAX_DIGITS = 9
# Characters of the identity of a run.
_LONGEST_IDENTITY = 64


def is_identity(text: str) -> bool:
    """Return whether a text can be the identity of a run, which :class:`RunFolder` reads back."""
    return bool(re.fullmatch(rf'[0-9A-Za-z_.-]{{1,{_LONGEST_IDENTITY}}}', text, re.ASCII))


class RunFolderError(HerRosError):
    """A run folder that is missing, in use, or cannot be written."""


class RoleTaken(RunFolderError):
    """A role of a run that another process has."""


class RunFolder:
    """``runs/<task>/<name>/``: a run is this folder and nothing else."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.bags = self.path / 'bags'
        self.evaluation = self.path / 'evaluation'
        self.log = self.path / 'log'
        self.tensorboard = self.path / 'tensorboard'
        self.checkpoint = self.path / 'checkpoint'
        self.policy = self.path / 'policy.onnx'
        self.params = self.path / 'params.yaml'
        self.result = self.path / 'result.json'
        self.join = self.path / 'join.json'
        self._starts = self.path / 'starts'
        self._identity = self._starts / 'id'

    @property
    def is_online(self) -> bool:
        """Whether this is the folder of an online run, with nodes."""
        folders = [each for each in (self.bags, self._starts) if each.is_dir()]
        return any(path != self._identity for each in folders for path in each.iterdir())

    @property
    def identity(self) -> str:
        """Globally unique id of the run; empty if the folder has none."""
        try:
            require_regular(self._identity)
            with self._identity.open('rb') as file:
                return file.read(_LONGEST_IDENTITY).decode('ascii').strip()
        except (HerRosError, OSError, UnicodeDecodeError):
            return ''

    def create(self, is_online: bool = True) -> None:
        """
        Create the folders.

        :param is_online: whether to create the folders of nodes, too
        :raises RunFolderError: if they cannot be created
        """
        try:
            online = (self.bags, self.evaluation, self.log, self._starts) if is_online else ()
            for folder in (self.tensorboard, *online):
                folder.mkdir(parents=True, exist_ok=True)
            if is_online and not self.identity:
                write_whole(self._identity, f'{uuid4().hex}\n'.encode())
            probe = self.path / f'.probe.{os.getpid()}'
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise RunFolderError(
                f'cannot be written ({error.strerror})', 'choose another folder', source=self.path
            ) from None

    def adopt(self, identity: str) -> None:
        """
        Create what nodes need that are members of a run whose folder is elsewhere.

        :param identity: of the run
        :raises RunFolderError: if it cannot be created
        """
        try:
            for folder in (self.log, self._starts):
                folder.mkdir(exist_ok=True)
            write_whole(self._identity, f'{identity}\n'.encode())
        except OSError as error:
            raise RunFolderError(
                f'cannot be written ({error.strerror})', WRITABLE, self.path
            ) from None

    def remove_if_unused(self) -> None:
        """
        Remove the folder if it holds nothing but what was made before any node started.

        It stays if another process has taken it, or it cannot be removed.
        """
        made = {self.params, self._identity, self.path / 'lock'}
        with suppress(RunFolderError, OSError), self.locked():
            if made >= {each for each in self.path.rglob('*') if not each.is_dir()}:
                shutil.rmtree(self.path)

    def require(self) -> None:
        """
        Check that the folders exist.

        :raises RunFolderError: if they do not
        """
        if not self.bags.is_dir() or not self.evaluation.is_dir():
            raise RunFolderError(
                'not a run folder',
                'the launcher makes it, or set run_dir to one',
                source=self.path,
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """
        Lock the folder for one run; the lock ends when this process ends, at the latest.

        :raises RunFolderError: if another run holds it, or its lock cannot be written
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / 'lock', str(os.getpid())))
            except InUse as holder:
                raise RunFolderError(
                    f'in use by process {holder}',
                    'wait for it, stop it, or choose another folder',
                    source=self.path,
                ) from None
            except OSError as error:
                raise RunFolderError(
                    f'cannot be written ({error.strerror})', WRITABLE, self.path / 'lock'
                ) from None
            yield

    def hold(self, role: str, worker: int = 0, patience_s: float = _PATIENCE_S) -> ExitStack:
        """
        Lock a role of a worker; the lock ends when this process ends, at the latest.

        Only the holder may write and remove the files of its role.

        :param patience_s: how long to wait for a predecessor that is ending, such as a node whose
            launcher was killed, seconds
        :return: releases the role when closed
        :raises RoleTaken: if another process has the role
        :raises RunFolderError: if the lock cannot be written
        """
        stack = ExitStack()
        path = self._starts / f'{role}_{worker}.lock'
        try:
            self._starts.mkdir(exist_ok=True)
            holder = f'process {os.getpid()} on {gethostname()}'
            stack.enter_context(locked(path, holder, patience_s))
        except InUse as holder:
            raise RoleTaken(
                f'{role} of worker {worker} is {holder}',
                'stop it, or give each worker of the run a number of its own',
                source=self.path,
            ) from None
        except OSError as error:
            raise RunFolderError(f'cannot be written ({error.strerror})', WRITABLE, path) from None
        return stack

    def remove_leftovers(self) -> None:
        """Remove unfinished files of killed trainers; call it only while holding the role."""
        for path in (self.checkpoint, self.policy, self.result):
            remove_leftovers(path)

    def count_start(self, role: str, worker: int = 0) -> int:
        """
        Count this start of a role and worker, and return the number of earlier starts.

        The caller holds the role.
        """
        path = self._starts / f'{role}_{worker}'
        try:
            remove_leftovers(path)
            count = _read_count(path) if path.exists() else 0
            write_whole(path, f'{count + 1}\n'.encode())
        except OSError as error:
            raise RunFolderError(
                f'cannot be read or written ({error.strerror})', WRITABLE, path
            ) from None
        return count

    def rename_role(self, earlier: str, present: str) -> None:
        """
        Keep the counts of a role that has another name now, so that no start is repeated.

        :raises RunFolderError: if they cannot be renamed
        """
        try:
            for path in self._starts.glob(f'{earlier}_*'):
                renamed = path.with_name(path.name.replace(earlier, present, 1))
                if path.suffix != '.lock' and not renamed.exists():
                    path.rename(renamed)
        except OSError as error:
            raise RunFolderError(
                f'cannot be written ({error.strerror})', WRITABLE, self._starts
            ) from None

    def set_first_count(self, role: str, worker: int, count: int) -> None:
        """Set the number of earlier starts of a role and worker that never started here."""
        path = self._starts / f'{role}_{worker}'
        if not path.exists():
            write_whole(path, f'{count}\n'.encode())

    def evaluation_bag(self, version: int, sha256: str) -> Path:
        """Return the path of the bag of a policy version's evaluation."""
        return self.evaluation / f'v{version:06d}_{sha256[:16]}.mcap'


def _read_count(path: Path) -> int:
    require_regular(path)
    with path.open('rb') as file:
        content = file.read(_MAX_DIGITS + 2).strip()
    if not content.isdigit() or len(content) > _MAX_DIGITS:
        raise RunFolderError(
            'not the number of starts of this node',
            'write a number into it that is larger than all of its starts so far, such as 1000',
            source=path,
        )
    return int(content)


class Start:
    """
    A node's start in its run: holds its role, and counts how often it started before.

    :param run_dir: folder of the run; empty for none, so that every start is the first
    :raises RunFolderError: if another process has the role, or the start cannot be counted
    """

    def __init__(self, run_dir: str, role: str, worker: int = 0) -> None:
        self.number = 0
        self._held = ExitStack()
        if run_dir:
            folder = RunFolder(run_dir)
            self._held = folder.hold(role, worker)
            self.number = folder.count_start(role, worker)
