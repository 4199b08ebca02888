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

"""
Agents, arms, goal strategies, storages and tasks by name: those of the package and of others.

Another package adds its own through entry points, in the groups ``her_ros.agents``,
``her_ros.arms``, ``her_ros.goal_strategies``, ``her_ros.storages`` and ``her_ros.tasks``.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points, EntryPoint
from importlib.util import find_spec
from pathlib import Path
import sys
from typing import Any, TypeVar

from her_ros.runtime.errors import HerRosError

T = TypeVar('T')


class RegistryError(HerRosError):
    """A name that several packages give, or a thing that cannot be loaded."""


class UnknownNameError(RegistryError, KeyError):
    """A name that nothing has."""


class Registry(Mapping[str, T]):
    """
    Named things of one kind, each loaded when it is first asked for.

    Names can be listed although some of the things cannot be loaded.

    :param kind: what the things are, as errors call them
    :param group: the entry points with which other packages add theirs
    :param own: the package's own things by name; a text is where one is, ``module:attribute``
    """

    def __init__(self, kind: str, group: str, own: Mapping[str, T | str]) -> None:
        self.kind, self.group = kind, group
        self.own = own

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names: the package's own, then those of others in order."""
        yield from self.own
        yield from sorted({each.name for each in self._others()} - {*self.own})

    def __len__(self) -> int:
        """Return how many names there are."""
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Tell whether something has a name."""
        return any(name == each for each in self)

    def __getitem__(self, name: str) -> T:
        """
        Return the thing with a name.

        :raises UnknownNameError: if there is none
        :raises RegistryError: if there is more than one, or it cannot be loaded
        """
        if name not in self:
            raise UnknownNameError(f'{self.kind} {name!r} is unknown', choose_one(name, self))
        if entry := self.entry_point(name):
            loaded: T = load(f'{self.kind} {name!r} of package {_package(entry)}', entry.value)
            return loaded
        own = self.own[name]
        return load(f'{self.kind} {name!r}', own) if isinstance(own, str) else own

    def entry_point(self, name: str) -> EntryPoint | None:
        """
        Return what another package says about a name; None: the name is not another's.

        :raises RegistryError: if several packages give the name
        """
        found = [each for each in self._others() if each.name == name]
        packages = ['her_ros'] * (name in self.own) + [_package(each) for each in found]
        if len(packages) > 1:
            raise RegistryError(
                f'{self.kind} {name!r} is given by {" and by ".join(packages)}',
                'uninstall one of them',
            )
        return found[0] if found else None

    def folder(self, name: str) -> Path | None:
        """
        Return the folder of another package's module that gives a name; None: there is none.

        :raises RegistryError: if several packages give the name
        """
        entry = self.entry_point(name)
        try:
            found = find_spec(entry.module) if entry else None
        except Exception:  # a package that fails when it is imported; using the thing says so
            return None
        return Path(found.origin).parent if found and found.origin else None

    def _others(self) -> list[EntryPoint]:
        return _installed(self.group, tuple(sys.path))


def load(what: str, place: str) -> Any:
    """
    Import what ``module:attribute`` names.

    :param what: what it is, for the error
    :raises RegistryError: if it cannot be imported
    """
    entry = EntryPoint(what, place, '')
    try:
        return entry.load()
    except HerRosError:
        raise
    except Exception as error:  # code of others, which may fail in any way
        reason = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise RegistryError(
            f'{what} cannot be loaded from {place!r} ({reason})',
            'correct its package, or uninstall it',
        ) from error


def choose_one(name: str, names: Iterable[str]) -> str:
    """Return a cure for a name that is none of those there are: all of them, and the nearest."""
    known = [*names]
    near = ''.join(f' (nearest: {each})' for each in get_close_matches(name, known, 1))
    return f'choose one of {", ".join(known)}{near}'


@cache
def _installed(group: str, path: tuple[str, ...]) -> list[EntryPoint]:
    """List the entry points of a group; ``path`` is Python's, and reading all of it takes long."""
    return [*entry_points(group=group)]


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else 'an unknown package'
