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
