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

"""Fixtures of the tests of commands, also of those in the rooms that do what commands ask for."""

from collections.abc import Callable, Iterator, Sequence
import json
from pathlib import Path
import shutil
import signal
from typing import NamedTuple

from her_ros.runtime.process import END_SIGNALS
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import Rows
import numpy as np
import pytest


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
    # Here and below: loaded for the tests that use it alone.
    from her_ros.cli.main import main

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
    """Return the messages of a rollout in which all actions are random."""
    from her_ros.sim.fetch import FetchBatch
    from her_ros.sim.rollout import Rollout

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
    """Return a folder of three FetchReach bags."""
    from her_ros.bags.writer import write_rollout

    folder, task = tmp_path_factory.mktemp('recorded'), task_named('FetchReach')
    for seed in (10, 20, 30):
        write_rollout(folder, f'b{seed}', {'task': task.name}, random_rollout(task, seed))
    return folder


@pytest.fixture
def learning_run(recorded, tmp_path):
    """Return a run that has learned from three bags."""
    from her_ros.bags.reader import read_bag
    from her_ros.config.files import read_file
    from her_ros.config.parameters.nodes import TrainerParameters
    from her_ros.config.schema import configured
    from her_ros.learning.training.online import Training
    from her_ros.orchestration.prepare import prepare_run

    small = ('trainer.hidden_sizes=[16, 16]', 'trainer.device=cpu', 'trainer.replay_capacity=5000')
    prepared = prepare_run('FetchReach', tmp_path, overrides=small)
    values = read_file(prepared.folder.params)['trainer']
    parameters = configured(TrainerParameters, 'trainer', values)
    task = task_named('FetchReach')
    training = Training(
        task, parameters, prepared.folder, lambda path: read_bag(path, task).episodes
    )
    for bag in recorded.iterdir():
        shutil.copy(bag, prepared.folder.bags)
    training.ingest_new_bags()
    training.save()
    return prepared.folder


@pytest.fixture
def finish() -> Callable[..., None]:
    """Give a run the result of one that has finished."""

    def write(
        run: RunFolder, points: Sequence[tuple[int, float]], outcome: str, wall_s: float = 12.0
    ) -> None:
        evaluations = [
            {'sha256': '', 'env_steps': steps, 'updates': steps // 2, 'wall_s': 1.0,
             'episodes': 100, 'success_rate': success}
            for steps, success in points
        ]  # fmt: skip
        last = evaluations[-1]
        result = {
            'task': 'FetchReach', 'outcome': outcome, 'success_rate': last['success_rate'],
            'best_success_rate': max(success for _, success in points),
            'env_steps': last['env_steps'], 'episodes': last['env_steps'] // 50,
            'updates': last['updates'], 'wall_s': wall_s, 'seed': 0, 'evaluations': evaluations,
        }  # fmt: skip
        run.result.write_text(json.dumps(result), 'utf-8')

    return write
