import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from her_ros.bags.writer import write_rollout
from her_ros.cli.main import main
from her_ros.core.process import END_SIGNALS
from her_ros.core.rows import Rows
from her_ros.core.task import GoalTask, task_named
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import Rollout


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str


@pytest.fixture
def her_ros(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ended]]:
    """Run ``her-ros`` in this process; its signal handlers end with the test."""
    before = {number: signal.getsignal(number) for number in END_SIGNALS}
    monkeypatch.setenv('COLUMNS', '200')

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr('sys.argv', ['her-ros', *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(int(end.value.code or 0), *capsys.readouterr())

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)


def random_rollout(task: GoalTask, seed: int, num_envs: int = 4) -> list[Rows]:
    """The messages of a rollout in which all actions are random."""
    rollout = Rollout(
        task, FetchBatch(task, [seed + i for i in range(num_envs)]), session=seed + 1
    )
    generator = np.random.default_rng(seed)
    messages = [rollout.start()]
    while not rollout.finished:
        rollout.accept_all(generator.uniform(-1, 1, (num_envs, 4)).astype(np.float32), 0)
        messages.append(rollout.advance())
    return messages


@pytest.fixture(scope='session')
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three FetchReach bags."""
    folder, task = tmp_path_factory.mktemp('recorded'), task_named('FetchReach')
    for seed in (10, 20, 30):
        write_rollout(folder, f'b{seed}', {'task': task.name}, random_rollout(task, seed))
    return folder
