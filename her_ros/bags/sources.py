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

"""Find the bags that command-line arguments name."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.storage.limits import check_regular
from her_ros.bags.storage.registry import STORAGES
from her_ros.bags.storage.sqlite import SIDECARS
from her_ros.runtime.files import file_sha256
from her_ros.runtime.run_folder import RunFolder

#: suffixes of bare bags; with .zstd files of a bag recorded with `--compression-mode file`
BARE_SUFFIXES = (*(f'.{name}' for name in STORAGES), *(f'.{name}.zstd' for name in STORAGES))


def expand(paths: Iterable[Path]) -> list[Path]:
    """
    List the bags at some paths.

    :param paths: bare bags, rosbag2 directories, folders of either, or run folders of her_ros,
        of which ``bags/`` is used
    :return: the bags in the order of the paths, those of a folder by file name; each bag once
    :raises BagError: if a path is missing or holds no bag
    """
    found: dict[Path, Path] = {}
    for path in paths:
        with wrap_errors(path):
            for bag in _bags_at(path):
                found.setdefault(bag.resolve(), bag)
    if not found:
        raise BagError('no bag is named', 'name bags, folders of bags or run folders')
    return list(found.values())


def digest_of(path: Path) -> str:
    """
    Return the SHA-256 of a bag; for a directory those of its files, separated by spaces.

    As in the readers, only regular files count, and no links out of a directory.

    :raises HerRosError: if a bare bag is no regular file
    """
    if not path.is_dir():
        return file_sha256(path)
    found = []
    for each in sorted(path.iterdir()):
        with suppress(BagError, OSError):
            check_regular(each, path)
            found.append(each)
    return ' '.join(map(file_sha256, found))


def files_of(path: Path) -> list[Path]:
    """
    List the files of a bag, with those that sqlite keeps beside a bare one.

    :raises OSError: if it is a directory that cannot be read
    """
    if path.is_dir():
        return [*path.iterdir()]
    beside = [path.with_name(path.name + end) for end in SIDECARS]
    return [path, *(each for each in beside if each.exists())]


def is_bare(path: Path) -> bool:
    """Tell from the name of a file whether it is a bare bag."""
    return path.name.endswith(BARE_SUFFIXES) and not path.name.startswith('.')


def is_directory_bag(path: Path) -> bool:
    """Tell whether a folder is a rosbag2 directory."""
    return (path / 'metadata.yaml').is_file()


def _bags_at(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise BagError('no such file or folder', 'correct the path')
    if not path.is_dir():
        # Reading starts at the end of the file, and a pipe or a device has none.
        if not (path.is_file() and is_bare(path)):
            raise BagError('no bag', f'the name of one ends in {", ".join(BARE_SUFFIXES)}')
        yield path
        return
    if is_directory_bag(path):
        yield path
        return
    run = RunFolder(path)
    folder = path / run.bags.name if run.bags.is_dir() else path
    bags = [each for each in sorted(folder.iterdir()) if _is_bag(each)]
    if not bags:
        inner = next((each for each in sorted(folder.iterdir()) if (each / 'bags').is_dir()), None)
        raise BagError(
            f'no bag in {folder}',
            f'expected files ending in {", ".join(BARE_SUFFIXES)} or folders with a metadata.yaml'
            if inner is None
            else f'name one of its runs, such as {inner}',
        )
    yield from bags


def _is_bag(path: Path) -> bool:
    if path.is_dir():
        return is_directory_bag(path)
    if is_bare(path):
        check_regular(path)
        return True
    return False
