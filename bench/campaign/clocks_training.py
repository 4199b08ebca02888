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

"""Steps of the wall clock of each node of a training run, one after the other."""

from collections import defaultdict
from pathlib import Path
import sys
import time

from campaign.account import Account
from campaign.figures import Figure
from campaign.processes import Child, claimed_domain, Observer, running_nodes
from campaign.reports import Reports
from campaign.stepped_clock import SteppedClocks
from her_ros.orchestration.graph import training_nodes
from her_ros.runtime.run_folder import RunFolder

_TASK, _NUM_ENVS = 'FetchReach', 8
# No stop by success; evaluations while clocks are stepped.
_LASTING = ('trainer.stop.evaluations=1000', 'trainer.evaluation_interval=2000')
_STEPS_PER_ROLLOUT = 50 * _NUM_ENVS
_PROGRESS_TIMEOUT_S, _END_TIMEOUT_S = 60.0, 120.0
# Collection pauses while updates are owed or an evaluation is due: 8 s where others use the cores.
_LONGEST_PAUSE_S = 30.0


def step_training(clocks: SteppedClocks, folder: Path, step_s: int, is_long: bool) -> list[Figure]:
    """
    Step the clocks of one run, and wait for its end.

    :param is_long: step back after each step, and wait for twice as many rollouts
    """
    run = RunFolder(folder / 'run')
    run.create()
    specs = training_nodes('run', 1, str(run.path))
    offsets = (step_s, 0, -step_s, 0) if is_long else (step_s, -step_s, 0)
    rollouts_each = 2 if is_long else 1
    count = len(specs) * len(offsets)
    env_steps = (count * rollouts_each + 5) * _STEPS_PER_ROLLOUT
    overrides = [*_LASTING, f'trainer.stop.env_steps={env_steps}']
    with (
        claimed_domain() as domain,
        running_nodes(specs, _TASK, overrides, folder, domain, clocks.environment) as children,
    ):
        observer = Observer(domain)
        try:
            stepping = _Stepping(observer, run, children)
            for child in children:
                for offset_s in offsets:
                    clocks.set(child.name, offset_s)
                    stepping.until_rollouts(rollouts_each, f'{child.name} at {offset_s} s')
            status = stepping.until_end()
        finally:
            observer.close()
        ended = [c.name for c in children[1:] if not c.running]
        tracebacks = sum(child.tracebacks for child in children)
    return [
        Figure('clocks_steps_in_training', stepping.steps),
        Figure('clocks_steps_after_the_end', count - stepping.steps, 0),
        Figure('clocks_training_status', status, 0),
        Figure('clocks_training_nodes_ended', len(ended), 0),
        Figure('clocks_training_tracebacks', tracebacks, 0),
        *_figures_of_bags(run),
        Figure('clocks_rollouts_dropped', stepping.dropped, 0),
        Figure('clocks_training_pause_max_s', stepping.longest_pause_s, _LONGEST_PAUSE_S),
        Figure('clocks_training_silence_max_s', stepping.reports.longest_silence_s, 5.0),
    ]


class _Stepping:
    """Waits for the progress of a run."""

    def __init__(self, observer: Observer, run: RunFolder, children: list[Child]) -> None:
        self._observer, self._run, self._trainer = observer, run, children[0]
        self.reports = Reports(observer)
        self.reports.until_all({child.name for child in children})
        self.steps, self.longest_pause_s = 0, 0.0

    def _bags(self) -> int:
        return sum(1 for _ in self._run.bags.glob('*.mcap'))

    def until_rollouts(self, count: int, what: str) -> None:
        """Wait for finished rollouts; not if the run has ended."""
        if not self._trainer.running:
            return
        for _ in range(count):
            begin, bags = time.monotonic(), self._bags()
            self._observer.until(
                lambda bags=bags: self._bags() > bags or not self._trainer.running,
                f'a rollout with {what}', _PROGRESS_TIMEOUT_S,
            )  # fmt: skip
            self.longest_pause_s = max(self.longest_pause_s, time.monotonic() - begin)
        self.steps += self._trainer.running

    def until_end(self) -> int:
        """Wait for the end of the run; return the trainer's status."""
        self._observer.until(lambda: not self._trainer.running, 'the end', _END_TIMEOUT_S)
        self._observer.spin(1.5)
        return self._trainer.process.wait()

    @property
    def dropped(self) -> int:
        """Rollouts that the recorder has dropped."""
        return int(self.reports.values['/run/worker_0/recorder']['rollouts_dropped'])


def _figures_of_bags(run: RunFolder) -> list[Figure]:
    """Compare the bags in the folder with those that the checkpoint has learned from."""
    account = Account.of(run, _TASK, {})
    problems, lost = list(account.problems), account.lost * _NUM_ENVS
    lost += sum(_NUM_ENVS - episodes for episodes in account.by_bag.values())
    numbers = defaultdict(set)
    for name in account.in_folder:
        *_, session, number = Path(name).stem.split('_')
        numbers[session].add(int(number))
    for session, found in numbers.items():
        if missing := set(range(min(found), max(found) + 1)) - found:
            problems.append(f'session {session} lacks {sorted(missing)}')
            lost += len(missing) * _NUM_ENVS
    for problem in problems:
        print(f'clocks: {problem}', file=sys.stderr)
    return [
        Figure('clocks_training_episodes', account.episodes),
        Figure('clocks_episodes_lost', lost, 0),
        Figure('clocks_episodes_learnt_twice', account.recorded_twice, 0),
    ]
