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
Learning from fixed bags: three kinds of data, with and without regularizers, and without HER.

``collect RUN OUT`` makes three sets of bags from a finished online run: ``random``, as many
episodes of the untrained policy as the run has; ``first``, the bags up to the first rollout
of which more than half succeeded; and ``whole``, all that the run has learned from.
``run OUT`` trains every variant from every set with ``her-ros train-offline``, two at a time,
evaluates the last policy over 100 deterministic episodes and adds a row to
docs/results/offline.csv; what stands there already is not run again. ``symmetries OUT`` does the
same with symmetries and half of the bags, and with all of them and no symmetries. ``table`` prints
the medians. ``memory`` trains from bags ten times as large as the replay buffer and shows what the
processes take meanwhile.

Run: ``python bench/offline.py collect runs/FetchPush/run_001 /tmp/push``, then
``python bench/offline.py run /tmp/push``
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
import csv
import json
import math
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import tempfile
from threading import Lock
import time
from typing import Any

from her_ros.bags.reader import read_bag, read_bag_metadata
from her_ros.bags.writer import write_rollout
from her_ros.config.files import complete, read_file, shipped_file
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.splitting import split_rollout
from her_ros.learning.training.offline import bags_in_order
from her_ros.policy.exploration import Exploration, Explorer
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.seeds import generator, integer_seed
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import Rollout
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import Rows, step_dtype
from her_ros.wire.step_rows import fill_move, fill_state
import numpy as np
from options import Options, whole
from table import print_figures, print_table

TABLE = Path(__file__).parent.parent / 'docs' / 'results' / 'offline.csv'
COLUMNS = (
    'task', 'data', 'episodes', 'recorded_success', 'arm', 'seed', 'updates', 'success',
    'steps_at_goal',
)  # fmt: skip
SETS = ('random', 'first', 'whole')
WITHOUT_HER = ('--set', 'trainer.her.k=0', '--set', 'trainer.her.past_goal_k=0')
WITHOUT_SYMMETRIES = tuple(
    word
    for name in ('left_right', 'front_back', 'offset_m')
    for word in ('--set', f'trainer.symmetry.{name}=0.0')
)
VARIANTS: dict[str, tuple[str, ...]] = {
    'DDPG+HER': ('--offline-regularizer', 'none'),
    'TD3+BC': ('--offline-regularizer', 'td3_bc'),
    'WGCSL': ('--offline-regularizer', 'wgcsl'),
    'imitation': ('--offline-regularizer', 'gcsl'),
    'DDPG, no HER': ('--offline-regularizer', 'none', *WITHOUT_HER),
}
HALF = 'symmetries, half of the bags'
SYMMETRIES: dict[str, tuple[str, ...]] = {
    'no symmetries, all bags': ('--offline-regularizer', 'none', *WITHOUT_SYMMETRIES),
    HALF: ('--offline-regularizer', 'none'),
}
UPDATES = {'FetchReach': 4_000}
UPDATES_OTHERWISE = 30_000
NUM_ENVS = 16
# Of 800 transitions each; altogether ten times what the buffer of the memory benchmark holds.
LARGE_BAGS = 1250


def collect(run: Path, out: Path) -> None:
    """Make the three sets."""
    logged = bags_in_order(RunFolder(run))
    if logged is None:
        sys.exit(f'{run}: no checkpoint; name a finished run')
    bags = [path.absolute() for path, _ in logged]
    episodes = [read_bag(path).episodes for path in bags]
    successes = [sum(e.is_success for e in each) / len(each) for each in episodes]
    good = next((i for i, success in enumerate(successes) if success > 0.5), 0)
    if not good:
        sys.exit(f'{run}: no rollout, or the first one already, succeeded in more than half')
    for name, chosen in (('first', bags[:good]), ('whole', bags)):
        (out / name).mkdir(parents=True)
        for number, bag in enumerate(chosen):
            (out / name / f'{number:05d}_{bag.name}').symlink_to(bag)
    (out / 'random').mkdir()
    task = task_named(read_bag_metadata(bags[0])['task'])
    record_random(task.name, out / 'random', sum(map(len, episodes)))


def record_random(name: str, folder: Path, episodes: int) -> None:
    """Record rollouts of random actions, as the graph does before there is a policy."""
    task, values = task_named(name), complete(read_file(shipped_file(name)))['policy']
    batch = FetchBatch(task, [integer_seed(0, 'random', env) for env in range(NUM_ENVS)])
    rollout = Rollout(task, batch, session=1)
    exploration = Exploration(0.0, 1.0, values['exploration.hold_steps'])
    explorer = Explorer(exploration, task.action_size, generator(0, 'random'))
    for number in range(-(-episodes // NUM_ENVS)):
        messages = [rollout.start()]
        while not rollout.finished:
            rows = messages[-1]
            actions = explorer.explore(None, rows['env'], rows['step'] == 0)
            rollout.accept_all(actions, 0)
            messages.append(rollout.advance())
        write_rollout(folder, f'{number:05d}', {'task': name}, messages, period_s=0.04)


def rows_of_table() -> list[dict[str, str]]:
    """Return the rows that were measured already."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline='') as file:
        return list(csv.DictReader(file))


def jobs(out: Path, seeds: int, variants: Iterable[str]) -> Iterator[dict[str, Any]]:
    """List the trainings, one seed of everything after the other."""
    summaries = {}
    for data in SETS:
        bags = [read_bag(path) for path in sorted((out / data).glob('*.mcap'))]
        episodes = [episode for bag in bags for episode in bag.episodes]
        success = sum(each.is_success for each in episodes) / len(episodes)
        summaries[data] = (bags[0].task.name, len(episodes), round(success, 3))
    done = {(r['task'], r['data'], r['arm'], r['seed']) for r in rows_of_table()}
    for seed in range(seeds):
        for data, (task, episodes_count, success) in summaries.items():
            for arm in variants:
                if (task, data, arm, str(seed)) not in done:
                    updates = UPDATES.get(task, UPDATES_OTHERWISE)
                    values = (task, data, episodes_count, success, arm, seed, updates)
                    yield dict(zip(COLUMNS, values, strict=False))


def train(bags: Path, job: dict[str, Any]) -> tuple[float, float]:
    """Train one variant; return success rate and mean number of steps at the goal, of 50."""
    with tempfile.TemporaryDirectory() as folder:
        if job['arm'] == HALF:
            bags = every_second(bags, Path(folder) / 'bags')
        command = [
            'her-ros', 'train-offline', str(bags), '--out', f'{folder}/out', '--seed',
            str(job['seed']), '--updates', str(job['updates']),
            *(VARIANTS | SYMMETRIES)[job['arm']],
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        policy = OnnxPolicy.load(Path(folder) / 'out' / 'policy.onnx')
    steps = evaluation_steps(task_named(job['task']), policy.act, 1, EvaluationProtocol(threads=1))
    episodes, _ = split_rollout(list(steps))
    at_goal = sum(int((episode.reward == 0).sum()) for episode in episodes)
    successes = sum(episode.is_success for episode in episodes)
    return successes / len(episodes), round(at_goal / len(episodes), 2)


def every_second(bags: Path, folder: Path) -> Path:
    """Make a folder with links to every second bag; return it."""
    folder.mkdir()
    for bag in sorted(bags.glob('*.mcap'))[::2]:
        (folder / bag.name).symlink_to(bag.resolve())
    return folder


def run(out: Path, seeds: int, at_once: int, variants: Iterable[str]) -> None:
    """Train and evaluate everything that is not in the table yet."""
    lock = Lock()

    def one(job: dict[str, Any]) -> None:
        job['success'], job['steps_at_goal'] = train(out / job['data'], job)
        with lock:
            is_new = not TABLE.exists()
            with TABLE.open('a', newline='') as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
                if is_new:
                    writer.writeheader()
                writer.writerow(job)
            print(json.dumps(job), flush=True)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, jobs(out, seeds, variants)))


def memory() -> None:
    """Train from ten times more than the buffer holds, and look at the memory."""
    task = task_named('FetchPush')
    with tempfile.TemporaryDirectory() as folder:
        bags = Path(folder) / 'bags'
        bags.mkdir()
        for number in range(LARGE_BAGS):
            write_rollout(bags, f'{number:05d}', {'task': task.name}, walk(task, number))
        size_mb = sum(path.stat().st_size for path in bags.iterdir()) / 1e6
        command = [
            'her-ros', 'train-offline', str(bags), '--out', f'{folder}/out', '--updates', '14000',
            '--set', 'trainer.replay_capacity=100000', '--set', 'trainer.hidden_sizes=[64, 64]',
            '--set', 'trainer.compile_after=0', '--set', 'trainer.device=cpu',
        ]  # fmt: skip
        curve = memory_of(command)
    step = max(1, len(curve) // 20)
    print(f'{LARGE_BAGS * NUM_ENVS * 50:,} transitions in bags of {size_mb:.0f} MB altogether')
    print_table('seconds', ('learner MB', 'reader MB'), curve[::step])
    half = len(curve) // 2
    print_figures(
        learner_mb=curve[-1][1],
        learner_growth_mb=curve[-1][1] - curve[half][1],
        reader_mb=curve[-1][2],
        reader_growth_mb=max(r[2] for r in curve[half:]) - max(r[2] for r in curve[:half]),
    )


def walk(task: GoalTask, number: int) -> list[Rows]:
    """Make the messages of a rollout of nothing but random numbers."""
    random = np.random.default_rng(number)
    messages = []
    goals = random.normal(size=(NUM_ENVS, task.goal_size))
    for step in range(task.episode_length + 1):
        rows = np.zeros(NUM_ENVS, step_dtype(task))
        rows['session'], rows['env'], rows['step'] = number, np.arange(NUM_ENVS), step
        states = (
            random.normal(size=rows[name].shape) for name in ('observation', 'achieved_goal')
        )
        fill_state(rows, *states, goals)
        rows['truncated'] = step == task.episode_length
        if step:
            fill_move(rows, task, random.uniform(-1, 1, rows['action'].shape))
        messages.append(rows)
    return messages


def memory_of(command: list[str]) -> list[tuple[float, float, float]]:
    """Return seconds, and megabytes of a process and of its children, every half second."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    begin, curve = time.monotonic(), []
    while process.poll() is None:
        own = private_mb(process.pid)
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
        try:
            others = sum(private_mb(int(child)) for child in children.read_text().split())
        except OSError:
            break
        curve.append((round(time.monotonic() - begin, 1), own, others))
        time.sleep(0.5)
    if process.wait():
        sys.exit('the training failed')
    return curve


def private_mb(process: int) -> float:
    """Return the private memory of a process."""
    try:
        lines = Path(f'/proc/{process}/smaps_rollup').read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith('Private_')) / 1e3


def table() -> None:
    """Print medians and range of the success rates, and the median of the steps at the goal."""
    rows = rows_of_table()
    figures = {}
    for variants in (VARIANTS, SYMMETRIES):
        chosen = [row for row in rows if row['arm'] in variants]
        for task in dict.fromkeys(row['task'] for row in chosen):
            lines = []
            for data in SETS:
                ours = [row for row in chosen if (row['task'], row['data']) == (task, data)]
                if not ours:
                    continue
                cells = {each: cell([r for r in ours if r['arm'] == each]) for each in variants}
                for each, (_, success) in cells.items():
                    key = f'{task}_{data}_{each}'.replace(' ', '').replace(',', '_')
                    figures[key] = success
                recorded = f'{float(ours[0]["recorded_success"]):.2f}'
                words = [words for words, _ in cells.values()]
                lines.append((data, ours[0]['episodes'], recorded, *words))
            print_table(task, ('episodes', 'recorded', *variants), lines)
    print_figures(**figures)


def cell(rows: list[dict[str, str]]) -> tuple[str, float]:
    """Return the table cells of one variant's seeds, and their median success."""
    found = sorted(float(row['success']) for row in rows)
    if not found:
        return '–', math.nan
    steps = median(float(row['steps_at_goal']) for row in rows)
    return f'{median(found):.2f} ({found[0]:.2f}–{found[-1]:.2f}) {steps:.0f}', median(found)


def main() -> None:
    parser = Options(__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    collecting = commands.add_parser('collect')
    collecting.add_argument('run', type=Path)
    collecting.add_argument('out', type=Path)
    for name in ('run', 'symmetries'):
        running = commands.add_parser(name)
        running.add_argument('out', type=Path)
        running.add_argument('--seeds', type=whole(1), default=3)
        running.add_argument('--at-once', type=whole(1), default=os.cpu_count() or 1)
    commands.add_parser('table')
    commands.add_parser('memory')
    arguments = parser.parse_args()
    if arguments.command == 'collect':
        collect(arguments.run, arguments.out)
    elif arguments.command in ('run', 'symmetries'):
        variants = VARIANTS if arguments.command == 'run' else SYMMETRIES
        run(arguments.out, arguments.seeds, arguments.at_once, variants)
    elif arguments.command == 'memory':
        memory()
    else:
        table()


if __name__ == '__main__':
    main()
