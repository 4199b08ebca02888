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

"""A bag in any format of ROS 2, as a list of its files."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from pathlib import Path
import re
from tempfile import TemporaryDirectory

from her_ros.bags.errors import as_bag_error, BagError, RecoverableError
from her_ros.bags.sources import BARE_SUFFIXES, is_bare, is_directory_bag
from her_ros.bags.storage.limits import check_regular, Expansion
from her_ros.bags.storage.messages import BATCH_SIZE, OnDamage, refuse
from her_ros.bags.storage.metadata import DirectoryMetadata, read_metadata
from her_ros.bags.storage.registry import Storage, STORAGES
import zstandard

_FEED = 1 << 11


class Recording:
    """
    The files of a bag in their order; one is open at a time.

    :param path: a bare file or a rosbag2 directory
    :param on_damage: called with each damage found, after which reading goes on; by default damage
        raises
    :raises BagError: if it is no bag, or a file is missing
    """

    def __init__(self, path: Path, on_damage: OnDamage | None = None) -> None:
        self.path = path
        self._on_damage = on_damage or refuse
        self._metadata = DirectoryMetadata([], {})
        self.paths = [path]
        if path.is_dir():
            self.paths = self._files_of_directory(takes_all=on_damage is not None)
        elif path.exists():
            if not is_bare(path):
                raise BagError('no bag', f'the name of one ends in {", ".join(BARE_SUFFIXES)}')
            check_regular(path)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.paths)

    def files(self) -> Iterator[Storage]:
        """Open the files in their order; each also gets the metadata of the directory."""
        for path in self.paths:
            source = path.name if self.path.is_dir() else ''

            def on_damage(damage: BagError, source: str = source) -> None:
                self._on_damage(BagError.of(damage, source))

            with ExitStack() as stack:
                try:
                    plain = stack.enter_context(_plain(path, on_damage))
                    storage = STORAGES[plain.suffix.removeprefix('.')](plain, on_damage)
                    storage.open()
                except Exception as error:
                    if self._on_damage is refuse:
                        raise
                    on_damage(as_bag_error(error))
                    continue
                storage.metadata = storage.metadata | self._metadata.metadata
                yield storage

    def _files_of_directory(self, takes_all: bool) -> list[Path]:
        there = sorted(filter(is_bare, self.path.iterdir()), key=_by_number)
        try:
            if not is_directory_bag(self.path):
                raise RecoverableError(
                    'no metadata.yaml in this folder', '`her-ros bags recover` makes one'
                )
            self._metadata = read_metadata(self.path)
        except BagError as error:
            self._on_damage(error)
        named = [self.path / name for name in self._metadata.files]
        for path in named:
            if not path.exists():
                self._on_damage(RecoverableError(f'{path.name} is missing'))
        if takes_all:
            found = [path for path in named if path in there]
            return [path for path in [*found, *_without(there, found)] if self._is_own(path)]
        if not named:
            raise RecoverableError('metadata.yaml names no file')
        return [path for path in named if self._is_own(path)]

    def _is_own(self, path: Path) -> bool:
        """Tell whether a file of the directory is a bag within it."""
        try:
            if not is_bare(path):
                raise RecoverableError(f'{path.name} is not a file of a bag')
            check_regular(path, self.path)
        except BagError as error:
            self._on_damage(error)
            return False
        return True


def _without(paths: list[Path], others: list[Path]) -> list[Path]:
    return [path for path in paths if path not in others]


@contextmanager
def _plain(path: Path, on_damage: OnDamage) -> Iterator[Path]:
    """Decompress a file that was compressed as a whole, for the duration of the context."""
    if path.suffix != '.zstd':
        yield path
        return
    with TemporaryDirectory() as folder:
        plain = Path(folder, path.stem)
        try:
            _decompress(path, plain)
        except BagError as error:
            on_damage(error)
        yield plain


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort bag_2 in front of bag_10."""
    parts = re.split(r'(\d+)', path.name)
    return [(int(part), '') if part.isdigit() else (-1, part) for part in parts]


def _decompress(path: Path, plain: Path) -> None:
    """
    Decompress as far as possible.

    :raises BagError: if the file is damaged, cut short or no recording; the output so far is kept
    """
    with path.open('rb', BATCH_SIZE) as compressed, plain.open('wb', BATCH_SIZE) as file:
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        expansion = Expansion(path.stat().st_size)
        try:
            # In small pieces: a piece of compressed zeros may expand more than a thousandfold.
            while block := compressed.read(_FEED):
                while block:
                    if decompressor.eof:
                        decompressor = zstandard.ZstdDecompressor().decompressobj()
                    plain_block = decompressor.decompress(block)
                    expansion.add(len(plain_block))
                    file.write(plain_block)
                    block = decompressor.unused_data if decompressor.eof else b''
        except zstandard.ZstdError as error:
            raise RecoverableError(f'damaged: {error}') from error
        if not decompressor.eof:
            raise RecoverableError('the file is cut short')
