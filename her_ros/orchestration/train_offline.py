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

"""``her-ros train-offline``: train a policy from bags, without ROS and without simulation."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
import time
from typing import Any

from her_ros.arms.errors import ArmError
from her_ros.arms.registry import with_workspace
from her_ros.bags.prefetch import EpisodeSource
from her_ros.config.files import NodesValues, to_yaml
from her_ros.config.parameters.nodes import EvaluationProtocol, TrainerParameters
from her_ros.config.run_parameters import check_same, values_for
from her_ros.config.schema import configured
from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.learning.acceleration.compile import compile_or_say_why
from her_ros.learning.acceleration.ranks import choose_gpu, ranks_of_environment
from her_ros.learning.learner import device_named, set_up_torch
from her_ros.learning.training.offline import Evaluate, OfflineTraining
from her_ros.learning.training.scalars import ScalarLog
from her_ros.learning.training.warm_start import check_start
from her_ros.orchestration.offline_bags import digests_of, listed_bags, shard, task_of
from her_ros.orchestration.prepare import arm_overrides, described, Run
from her_ros.orchestration.progress import bags_tracked, duration, Progress
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import write_whole
from her_ros.runtime.output import fitted
from her_ros.runtime.process import handle_end_signals
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.torchrun import rank_and_count
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.view.training_progress import curve
from rich.console import Console

# Progress is printed at every tenth of the updates, and at this interval.
_TELL_EVERY_S = 10.0
# Evaluations that the curve beside the bar shows.
_CURVE = 12


@dataclass(frozen=True)
class TrainOfflineOptions:
    """Options of ``her-ros train-offline``."""

    bags: Sequence[Path]
    task: str
    arm: str
    out: Path | None
    updates: int
    params_file: Path | None
    overrides: Sequence[str]
    evaluate: bool


def train_offline(
    options: TrainOfflineOptions, write_report: Callable[[RunFolder], str] | None = None
) -> int:
    """
    Train until all updates are made; return the exit status.

    :param write_report: writes a report of the finished run; returns its path, or why there is
        none
    """
    # Only the first of several processes prints.
    quiet = rank_and_count()[0] > 0
    console = Console(markup=False, highlight=False, soft_wrap=True, quiet=quiet)
    bags = listed_bags(options.bags, console)
    task = _task(options, bags)
    overrides = [*arm_overrides(task.arm), *options.overrides]
    values = values_for(task.name, options.params_file, overrides, ['trainer'])
    parameters = configured(TrainerParameters, 'trainer', values['trainer'])
    folder = RunFolder(options.out or Path('runs') / task.name / 'offline')
    set_up_torch(parameters.threads)
    device = device_named(parameters.device)
    with ranks_of_environment() as ranks, ExitStack() as stack:
        with ranks.together():
            choose_gpu(ranks, device)
            # Once there is a checkpoint, the source is not needed any more.
            if not folder.checkpoint.exists():
                check_start(task, parameters)
            own = shard(bags, ranks)
            digests = digests_of(own)
            if ranks.rank == 0:
                _claim(folder, values, stack)
        source = EpisodeSource(list(own), task, parameters.seed)
        scalars = ScalarLog(folder.tensorboard, values['trainer'])
        stack.callback(scalars.close)
        training = OfflineTraining(
            task,
            parameters,
            folder,
            source,
            [entry for log in ranks.gather(digests) for entry in log],
            options.updates,
            ranks,
            _evaluation(task) if options.evaluate and ranks.rank == 0 else None,
            scalars.add if ranks.rank == 0 else lambda name, value, step: None,
        )
        result, is_new = _finished(training, folder, options.updates), False
        if result is not None:
            console.print(f'{folder.path}: finished already; name another --out to train anew')
        else:
            result = _Session(training, source, options, console).run()
            is_new = True
    if result is None:
        return 130
    _report(console, folder, result)
    if write_report is not None and is_new and not quiet:
        console.print(f'  report      {write_report(folder)}')
    return 0


def _task(options: TrainOfflineOptions, bags: Sequence[tuple[Path, str]]) -> GoalTask:
    """
    Return the task, with its arm and, where that is described, the arm's workspace.

    :raises HerRosError: if the policy is to be evaluated and the arm is not described here
    """
    found = task_named(options.task) if options.task else task_of(list(bags))
    if options.arm:
        return with_workspace(task_named(found.name, described(options.arm)))
    try:
        return with_workspace(found)
    except ArmError:  # recorded on an arm of which there is no description here
        if options.evaluate:  # in its simulation
            raise
        return found


def _claim(folder: RunFolder, values: NodesValues, stack: ExitStack) -> None:
    """
    Lock the folder, and write the parameters of the training to it.

    :raises HerRosError: if it belongs to an online run, is in use, or has other parameters
    """
    if folder.is_online:
        raise HerRosError('the folder of an online run', 'name another --out', source=folder.path)
    folder.create(is_online=False)
    stack.enter_context(folder.locked())
    # Without a checkpoint there is nothing to resume.
    if folder.checkpoint.exists():
        check_same(folder, values, 'name another folder with --out')
    else:
        write_whole(folder.params, to_yaml(values).encode())


def _finished(training: OfflineTraining, folder: RunFolder, updates: int) -> dict[str, Any] | None:
    """Return the result of a finished training from the same bags."""
    with training.ranks.together():
        state = training.checkpoint()
    result = Run(training.learner.task.name, folder, resumed=True).result
    if state is None or result is None or result.get('updates', 0) < updates:
        return None
    return result


class _Session:
    """
    Trains, prints the progress, and stops on request of the user.

    Before the first update a signal ends the process immediately. Later it is noted, and the
    present update is finished first: training cannot resume from the middle of an update.
    """

    def __init__(
        self,
        training: OfflineTraining,
        source: EpisodeSource,
        options: TrainOfflineOptions,
        console: Console,
    ) -> None:
        self._training, self._source = training, source
        self._updates, self._console = options.updates, console
        self._is_updating = self._stop = False
        self._reported: set[str] = set()

    def _on_signal(self, *_: object) -> None:
        if self._stop or not self._is_updating:
            raise KeyboardInterrupt
        self._stop = True

    def run(self) -> dict[str, Any] | None:
        """Return the result, or None if the user interrupted."""
        handle_end_signals(self._on_signal)
        training, learner = self._training, self._training.learner
        try:
            try:
                # Only the first of several processes shows how far it is.
                shown = self._source.bags if training.ranks.rank == 0 else []
                with bags_tracked(shown, 'reading'):
                    resumed = training.begin()
            except HerRosError:
                self._tell_refused()
                raise
            self._tell_refused()
            learner = training.learner
            self._say(
                f'{"resuming at " + str(learner.updates) + " updates" if resumed else "learning"}:'
                f' {learner.episodes:,} episodes, {learner.env_steps:,} steps'
                + (' at a time; more are read on the way' if training.is_streaming else '')
            )
            if training.should_compile:
                self._say('compiling the updates, which may take a minute')
                self._say(compile_or_say_why(learner))
            self._is_updating = True
            if not self._loop():
                return None
            return training.finish()
        except KeyboardInterrupt:
            self._say('stopped; the same command goes on from the last checkpoint')
            return None

    def _loop(self) -> bool:
        """Make the updates; return whether all of them were made."""
        with Progress('learning', self._updates, self._console) as bar:
            return self._update_all(bar)

    def _update_all(self, bar: Progress) -> bool:
        training = self._training
        reported_at, tenth = time.monotonic(), 0
        while training.remaining:
            losses = training.update()
            now, tenths = time.monotonic(), training.learner.updates * 10 // self._updates
            if self._console.is_terminal:
                rates = [each.success_rate for each in training.evaluations]
                bar.update(training.learner.updates, curve(rates, _CURVE) if rates else '')
            elif tenths > tenth or now - reported_at > _TELL_EVERY_S:
                reported_at, tenth = now, tenths
                self._console.print(progress(training, losses, self._updates))
            # All ranks must act on what one of them finds.
            wishes = training.ranks.gather((self._stop, training.should_save))
            stops = any(stop for stop, _ in wishes)
            self._tell_refused()
            if training.remaining and (stops or wishes[0][1]):
                training.save()
            if training.remaining and stops:
                self._console.print('stopped; the same command goes on from here')
                return False
        return True

    def _tell_refused(self) -> None:
        """Print once which bags could not be used, whichever rank found them."""
        for refused in self._training.ranks.gather(self._source.refused):
            for reason in refused:
                if reason not in self._reported:
                    self._reported.add(reason)
                    self._say(f'not learned from: {reason}')

    def _say(self, line: str) -> None:
        console = self._console
        console.print(fitted(line, console.width) if console.is_terminal else line)


def progress(training: OfflineTraining, losses: dict[str, float], updates: int) -> str:
    """
    Return the progress of a training as one line.

    :param updates: how many it makes in all
    """
    learner = training.learner
    evaluations = training.evaluations
    success = f'  success {evaluations[-1].success_rate:.2f}' if evaluations else ''
    left_s = training.trained_s * (updates / max(learner.updates, 1) - 1.0)
    return (
        f'{training.trained_s:7.1f} s  updates {learner.updates:,}  value {losses["value"]:.2f}'
        f'  critic loss {losses["critic_loss"]:.3f}{success}  {duration(left_s)} left'
    )


def _report(console: Console, folder: RunFolder, result: dict[str, Any]) -> None:
    rate = result['success_rate']
    success = '' if rate is None else f', success {rate:.2f}'
    line = (
        f'{result["task"]}: {result["updates"]:,} updates from {result["episodes"]:,} episodes'
        f' ({result["env_steps"]:,} steps), {result["wall_s"]} s{success}'
    )
    console.print(
        f'{fitted(line, console.width) if console.is_terminal else line}\n'
        f'  policy      {folder.policy}\n  checkpoint  {folder.checkpoint}'
    )


def _evaluation(task: GoalTask) -> Evaluate:
    # Imported only here: training itself needs no simulation.
    from her_ros.policy.onnx_policy import OnnxPolicy
    from her_ros.sim.evaluate import evaluation_steps

    def evaluate(content: bytes) -> list[Episode]:
        policy = OnnxPolicy(content, 'the policy', task)
        steps = evaluation_steps(task, policy.act, policy.version, EvaluationProtocol())
        return split_rollout(list(steps))[0]

    return evaluate
