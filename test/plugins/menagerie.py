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

"""Models of real arms, as the package mujoco-menagerie downloads them: what tests share."""

import importlib.util
import os
from pathlib import Path

import pytest


def menagerie_folder() -> Path | None:
    """Return the folder with copies of the models, MENAGERIE_ROOT or beside the project."""
    root = os.environ.get('MENAGERIE_ROOT')
    places = [Path(root)] if root else [p / 'shared' / 'arms' for p in Path(__file__).parents[2:]]
    return next((place for place in places if place.is_dir()), None)


@pytest.fixture
def menagerie(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let descriptions find models of real arms; skip the test where there are none."""
    folder = menagerie_folder()
    if folder is None or importlib.util.find_spec('mujoco_menagerie') is None:
        pytest.skip('needs copies of the menagerie, in MENAGERIE_ROOT, and mujoco-menagerie')
    monkeypatch.setenv('MENAGERIE_ROOT', str(folder))
    return folder
