"""How fast bags become episodes, and what a rollout costs to write.

Reads the same bare files, alternating within one run, with her_ros and with the plain loop that
rosbags documents: open, deserialise every message, view its rows. That loop does less: it checks
no checksum, splits no episode and checks none. Run on an otherwise idle machine::

    taskset -c 0 python bench/bags.py
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from her_ros.bags.reader import read_bag, read_facts
from her_ros.bags.writer import write_rollout
from her_ros.core.rows import Rows, step_dtype
from her_ros.core.task import TASKS

TASK = TASKS['FetchPush']
FACTS = {'task': TASK.name}
_HEADLINE = (
    'FetchPush, 50 steps     kB   write ms   of it CPU   facts µs'
    '   transitions/s   rosbags loop   ratio'
)
STORE = get_typestore(Stores.ROS2_JAZZY)


def rollout(num_envs: int, seed: int) -> list[Rows]:
    """Make step messages of full episodes: a wandering gripper, an object all but at rest."""
    random = np.random.default_rng(seed)
    shape = (TASK.episode_length + 1, num_envs)
    rows = np.zeros(shape, step_dtype(TASK))
    rows['session'] = seed
    rows['env'] = np.arange(num_envs)
    rows['step'] = np.arange(shape[0])[:, None]
    rows['observation'] = random.normal(size=(num_envs, TASK.observation_size))
    # The last digits of a simulation never rest, so that files compress as real ones do.
    rows['observation'] += random.normal(0, 1e-6, rows['observation'].shape)
    rows['observation'][..., :3] += np.cumsum(random.normal(0, 0.01, (*shape, 3)), 0)
    rows['observation'][..., 20:] = random.normal(0, 0.01, (*shape, 5))
    rows['achieved_goal'] = rows['observation'][..., 3:6]
    rows['desired_goal'] = random.normal(size=(num_envs, 3))
    rows['action'][1:] = random.uniform(-1, 1, (*shape, 4))[1:]
    rows['reward'][1:] = -1
    rows['truncated'][-1] = 1
    return list(rows)


def read_with_her_ros(path: Path) -> int:
    return sum(len(episode) for episode in read_bag(path, TASK).episodes)


def read_with_rosbags(path: Path) -> int:
    dtype, rows = step_dtype(TASK), []
    with Reader(path) as reader:
        for connection, _, cdr in reader.messages():
            message: Any = STORE.deserialize_cdr(cdr, connection.msgtype)
            rows.append(np.frombuffer(message.data, dtype))
    return sum(map(len, rows[1:]))


def timed(function: Callable[[Path], object], paths: list[Path]) -> float:
    """Return the seconds per file."""
    begin = time.perf_counter()
    for path in paths:
        function(path)
    return (time.perf_counter() - begin) / len(paths)


def measure(folder: Path, num_envs: int, rounds: int, files: int) -> dict[str, float]:
    rollouts = [rollout(num_envs, seed) for seed in range(files)]
    write_rollout(folder, f'warm_up_{num_envs}', FACTS, rollouts[0])
    writes, write_cpus, paths = [], [], []
    for seed, messages in enumerate(rollouts):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        paths.append(write_rollout(folder, f'{num_envs}_{seed}', FACTS, messages))
        writes.append(time.perf_counter() - begin)
        write_cpus.append(time.process_time() - cpu_begin)
    transitions = num_envs * TASK.episode_length
    readers = (read_with_her_ros, read_with_rosbags)
    assert all(read(path) == transitions for read in readers for path in paths)
    ours, theirs = zip(
        *([timed(read, paths) for read in readers] for _ in range(rounds)), strict=True
    )
    return {
        'kB': paths[0].stat().st_size / 1e3,
        'write_ms': median(writes) * 1e3,
        'write_cpu_ms': median(write_cpus) * 1e3,
        'facts_us': timed(read_facts, paths) * 1e6,
        'ours_per_s': transitions / median(ours),
        'rosbags_per_s': transitions / median(theirs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--files', type=int, default=20, help='rollouts per size')
    parser.add_argument('--folder', type=Path, help='where to write; a temporary folder if absent')
    arguments = parser.parse_args()
    print(_HEADLINE)
    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for num_envs in (16, 4, 1):
            found = measure(Path(folder), num_envs, arguments.rounds, arguments.files)
            results[num_envs] = found
            ratio = found['ours_per_s'] / found['rosbags_per_s']
            print(
                f'{num_envs:2} environments {found["kB"]:12.0f} {found["write_ms"]:10.2f}'
                f' {found["write_cpu_ms"]:11.2f} {found["facts_us"]:10.0f}'
                f' {found["ours_per_s"]:15,.0f} {found["rosbags_per_s"]:14,.0f} {ratio:7.1f}'
            )
    print(
        f'bags_ingest_per_s={results[16]["ours_per_s"]:.0f}'
        f' bags_ingest_1env_per_s={results[1]["ours_per_s"]:.0f}'
        f' bags_rosbags_loop_per_s={results[16]["rosbags_per_s"]:.0f}'
        f' bags_write_ms_per_rollout={results[16]["write_ms"]:.2f}'
    )


if __name__ == '__main__':
    main()
