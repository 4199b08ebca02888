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

"""Packages of others, as pip installs them: what the tests of registries share."""

from collections.abc import Callable, Mapping
from pathlib import Path
import sys
import tomllib

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'examples' / 'own_package'


def write_metadata(folder: Path, name: str, entries: Mapping[str, Mapping[str, str]]) -> None:
    """Write what pip leaves of a package's name and entry points."""
    metadata = folder / f'{name}-0.1.0.dist-info'
    metadata.mkdir(parents=True)
    metadata.joinpath('METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\n')
    lines = []
    for group, places in entries.items():
        lines += [f'[{group}]', *(f'{key} = {place}' for key, place in places.items())]
    metadata.joinpath('entry_points.txt').write_text('\n'.join(lines))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install packages of no modules: name, and entry points by group."""

    def make(name: str, entries: Mapping[str, Mapping[str, str]]) -> None:
        write_metadata(tmp_path / name, name, entries)
        monkeypatch.syspath_prepend(tmp_path / name)

    return make


@pytest.fixture(scope='session')
def example_path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the folders that Python has to search to find the example package."""
    project = tomllib.loads(EXAMPLE.joinpath('pyproject.toml').read_text('utf-8'))['project']
    folder = tmp_path_factory.mktemp('installed')
    write_metadata(folder, project['name'], project['entry-points'])
    return [str(EXAMPLE), str(folder)]


@pytest.fixture
def example_package(example_path: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Install the example package in this process."""
    for folder in example_path:
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, 'dont_write_bytecode', True)
    return example_path
