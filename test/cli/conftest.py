from collections.abc import Callable
from typing import NamedTuple

import pytest

from her_ros.cli.main import main


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str


@pytest.fixture
def her_ros(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run ``her-ros`` in this process."""
    monkeypatch.setenv('COLUMNS', '200')

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr('sys.argv', ['her-ros', *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(int(end.value.code or 0), *capsys.readouterr())

    return call
