"""``her-ros train-offline``: from bags to a policy, without ROS and without simulation."""

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from torch.utils.tensorboard import SummaryWriter

from her_ros.bags.ahead import EpisodeSource
from her_ros.bags.sources import expand
from her_ros.bags.stream import EpisodeStream
from her_ros.cli.prepare import Run, prepare_folder
from her_ros.core.config import configured
from her_ros.core.episode import Episode, split_rollout
from her_ros.core.errors import HerRosError
from her_ros.core.files import file_sha256
from her_ros.core.parameters import TrainerParameters
from her_ros.core.run_folder import RunFolder
from her_ros.core.task import GoalTask, task_named
from her_ros.learning.compile import compile_or_say_why
from her_ros.learning.learner import device_named, set_up_torch
from her_ros.learning.offline import Judge, OfflineTraining, bags_in_order
from her_ros.learning.ranks import Ranks, ranks_of_environment

# Something is said at every tenth of the updates, and as often as this.
_TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    bags: Sequence[Path]
    task: str
    out: Path | None
    updates: int
    guard: str
    params_file: Path | None
    overrides: Sequence[str]
    evaluate: bool


def train_offline(options: Options) -> int:
    """Train until all updates are made; return the exit status."""
    console = Console(markup=False, highlight=False, soft_wrap=True)
    bags = _bags(options.bags, console)
    task = task_named(options.task) if options.task else task_of(list(bags))
    run = prepare_folder(
        task.name,
        options.out or Path('runs') / task.name / 'offline',
        options.params_file,
        [f'trainer.guard={options.guard}', *options.overrides],
    )
    parameters = _parameters(run)
    if run.result is not None and run.result['updates'] >= options.updates:
        console.print(f'{run.folder.path}: finished already; name another --out to train anew')
        _report(console, run, run.result)
        return 0
    set_up_torch(parameters.threads)
    device = device_named(parameters.device)
    with ranks_of_environment(device) as ranks, ExitStack() as stack:
        console.quiet = ranks.rank > 0
        if ranks.rank == 0:
            stack.enter_context(run.folder.locked())
        own = _shard(bags, ranks)
        source = EpisodeSource(list(own), task, parameters.seed)
        scalars = SummaryWriter(str(run.folder.tensorboard)) if ranks.rank == 0 else None
        training = OfflineTraining(
            task,
            parameters,
            run.folder,
            source,
            [entry for log in ranks.gather(_digests(own)) for entry in log],
            options.updates,
            ranks,
            _judge(task) if options.evaluate and ranks.rank == 0 else None,
            scalars.add_scalar if scalars else lambda name, value, step: None,
        )
        result = _train(training, source, options, console)
    if result is None:
        console.print('stopped; the same command goes on from here')
        return 130
    _report(console, run, result)
    return 0


def _train(
    training: OfflineTraining, source: EpisodeSource, options: Options, console: Console
) -> dict[str, Any] | None:
    """Make the updates; return the result, or None if the user interrupted."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        try:
            resumed = training.begin()
        finally:
            for reason in source.refused.values():
                console.print(f'not learnt from: {reason}')
        learner = training.learner
        console.print(
            f'{"resuming at " + str(learner.updates) + " updates" if resumed else "learning"}:'
            f' {learner.episodes:,} episodes, {learner.env_steps:,} steps'
            + (', more of them are read on the way' if training.is_streaming else '')
        )
        if training.should_compile:
            console.print(compile_or_say_why(learner))
        told_at, tenth = time.monotonic(), 0
        while training.remaining:
            losses = training.update()
            now, tenths = time.monotonic(), learner.updates * 10 // options.updates
            if tenths > tenth or now - told_at > _TELL_EVERY_S:
                told_at, tenth = now, tenths
                console.print(progress(training, losses))
        return training.finish()
    except KeyboardInterrupt:
        if training.ranks.count == 1 and training.learner.updates:
            training.save()
        return None


def progress(training: OfflineTraining, losses: dict[str, float]) -> str:
    """Say in one line how far a training is."""
    learner = training.learner
    evaluations = training.evaluations
    success = f'  success {evaluations[-1].success_rate:.2f}' if evaluations else ''
    return (
        f'{training.trained_s:7.1f} s  updates {learner.updates:,}  value {losses["value"]:.2f}'
        f'  critic loss {losses["critic_loss"]:.3f}{success}'
    )


def _report(console: Console, run: Run, result: dict[str, Any]) -> None:
    rate = result['success_rate']
    judged = '' if rate is None else f', success {rate:.2f}'
    console.print(
        f'{run.task}: {result["updates"]:,} updates from {result["episodes"]:,} episodes'
        f' ({result["env_steps"]:,} steps), {result["wall_s"]} s{judged}\n'
        f'  policy      {run.folder.policy}\n  checkpoint  {run.folder.checkpoint}'
    )


def _bags(paths: Sequence[Path], console: Console) -> list[tuple[Path, str]]:
    """List the bags to learn from, and the digests that they must have where a run knows them."""
    bags: list[tuple[Path, str]] = []
    for path in paths:
        logged = bags_in_order(RunFolder(path)) if (path / 'bags').is_dir() else None
        if logged is None:
            bags += [(bag, '') for bag in expand([path])]
            continue
        bags += logged
        if unread := len(expand([path])) - len(logged):
            console.print(
                f'{path}: {unread} bags which the run has not learnt from are left out; name'
                f' {path / "bags"} to take them all'
            )
    return list(dict.fromkeys(bags))


def task_of(bags: Sequence[tuple[Path, str]]) -> GoalTask:
    """Find out from the first bag that says so which task the bags hold.

    :raises HerRosError: if the first one that can be read does not say
    """
    problem = HerRosError('no bag is named')
    for path, _ in bags:
        stream = EpisodeStream(path)
        try:
            next(iter(stream), None)
        except HerRosError as error:
            problem = error
        if stream.task is not None:
            return stream.task
    raise problem


def _parameters(run: Run) -> TrainerParameters:
    from her_ros.cli.params import read_file

    values = read_file(run.folder.params)['trainer']
    return configured(TrainerParameters, 'trainer', values)


def _shard(bags: Sequence[tuple[Path, str]], ranks: Ranks) -> dict[Path, str]:
    if len(bags) < ranks.count:
        raise HerRosError(
            f'{len(bags)} bags for {ranks.count} processes; each needs one of its own, so start'
            f' {len(bags)}, or split the bags'
        )
    return dict(bags[ranks.rank :: ranks.count])


def _digests(bags: dict[Path, str]) -> list[tuple[str, str]]:
    """Return names and digests.

    :raises HerRosError: if a bag is not what its run has learnt from
    """
    found = []
    for path, expected in bags.items():
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        digests = ' '.join(file_sha256(each) for each in files if each.is_file())
        if expected and digests != expected:
            raise HerRosError(f'{path}: altered since the run has learnt from it')
        found.append((path.name, digests))
    return found


def _judge(task: GoalTask) -> Judge:
    # Only now: a machine that learns needs no simulation.
    from her_ros.deploy.policy import OnnxPolicy
    from her_ros.sim.evaluate import evaluation_steps

    def judge(content: bytes) -> list[Episode]:
        policy = OnnxPolicy(content, 'the policy', task)
        steps = evaluation_steps(
            task, policy.act, policy.version, episodes=100, num_envs=25, threads=2
        )
        return split_rollout(list(steps))[0]

    return judge
