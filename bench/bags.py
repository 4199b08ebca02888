"""How fast bags become episodes, and what a rollout costs to write.

Reads the same bare files, alternating within one run, with her_ros and with the plain loop that
rosbags documents: open, deserialise every message, view its rows. That loop does less: it checks
no checksum, splits no episode and checks none. The limit is to read a file's bytes and take their
checksum. What recording costs a running graph is measured in ``topics.py``.

Run on an otherwise idle machine: ``taskset -c 0 python bench/bags.py``
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from zlib import crc32

import numpy as np
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore
from table import in_turn, print_figures, print_table

from her_ros.bags.reader import read_bag, read_facts
from her_ros.bags.writer import write_rollout
from her_ros.core.rows import Rows, step_dtype
from her_ros.core.task import TASKS

TASK = TASKS['FetchPush']
FACTS = {'task': TASK.name}
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

    def each(function: Callable[[Path], object]) -> Callable[[], object]:
        return lambda: [function(path) for path in paths]

    times = in_turn(
        {
            'ours': each(read_with_her_ros),
            'rosbags': each(read_with_rosbags),
            'bytes': each(lambda path: crc32(path.read_bytes())),
            'facts': each(read_facts),
        },
        rounds,
    )
    per_file = {name: median(found) / files for name, found in times.items()}
    return {
        'kB': paths[0].stat().st_size / 1e3,
        'write ms': median(writes) * 1e3,
        'of it CPU': median(write_cpus) * 1e3,
        'facts µs': per_file['facts'] * 1e6,
        'transitions/s': transitions / per_file['ours'],
        'rosbags loop': transitions / per_file['rosbags'],
        'bytes and checksum': transitions / per_file['bytes'],
        'ours/rosbags': per_file['rosbags'] / per_file['ours'],
        'ours/bytes': per_file['bytes'] / per_file['ours'],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--files', type=int, default=20, help='rollouts per size')
    parser.add_argument('--folder', type=Path, help='where to write; a temporary folder if absent')
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for num_envs in (16, 4, 1):
            results[num_envs] = measure(Path(folder), num_envs, arguments.rounds, arguments.files)
    print_table(
        'FetchPush, 50 steps',
        list(results[16]),
        [(f'{num_envs} environments', *found.values()) for num_envs, found in results.items()],
    )
    print_figures(
        bags_ingest_per_s=results[16]['transitions/s'],
        bags_ingest_4env_per_s=results[4]['transitions/s'],
        bags_ingest_1env_per_s=results[1]['transitions/s'],
        bags_rosbags_loop_per_s=results[16]['rosbags loop'],
        bags_write_ms_per_rollout=results[16]['write ms'],
    )


if __name__ == '__main__':
    main()
