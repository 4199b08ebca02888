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
Benchmark reading bags into episodes and writing a rollout.

Reads the same bare files, alternating within one run, with her_ros and with the plain loop that
rosbags documents: open, deserialise every message, view its rows. That loop does less: it checks
no checksum, splits no episode and checks none. The limit is to read a file's bytes and take their
checksum. One large file of such rollouts is read as a stream, in turn with the small ones, which
are read as a whole, and once more as streams: for the difference, small MCAP files have a reader
of their own (``bags/storage/mcap_file.py``). Chunks are decompressed within our limits, in turn
with the libraries alone.
What recording costs a running graph is measured in ``topics.py``.

Run on an otherwise idle machine: ``taskset -c 0 python bench/bags.py``
"""

from collections.abc import Callable
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median
import tempfile
import time
from typing import Any
from zlib import crc32

from her_ros.bags.reader import read_bag, read_bag_metadata
from her_ros.bags.storage.limits import chunk_content
from her_ros.bags.stream import stream_episodes
from her_ros.bags.writer import write_rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import Rows, step_dtype
import lz4.frame
import numpy as np
from options import Options, whole
from rosbags.rosbag2 import Reader
from rosbags.typesys import get_typestore, Stores
from table import in_turn, print_figures, print_table
import zstandard

TASK = TASKS['FetchPush']
METADATA = {'task': TASK.name}
STORE = get_typestore(Stores.ROS2_JAZZY)
# Of the large file: 15 to 20 MB, which is read in as many pieces.
STREAMED_EPISODES = 1200
CHUNK_SIZE = 1 << 20


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


def read_as_stream(path: Path) -> int:
    return sum(len(episode) for episode in stream_episodes(path, TASK))


def write_large(folder: Path, rollouts: list[list[Rows]]) -> Path:
    """Write rollouts again and again into one file, each time as other episodes."""
    num_envs = len(rollouts[0][0])
    messages = []
    for number in range(STREAMED_EPISODES // num_envs):
        episode, index = divmod(number, len(rollouts))
        for rows in rollouts[index]:
            messages.append(rows.copy())
            messages[-1]['episode'] = episode
    return write_rollout(folder, f'large_{num_envs}', METADATA, messages)


def read_with_rosbags(path: Path) -> int:
    dtype, rows = step_dtype(TASK), []
    with Reader(path) as reader:
        for connection, _, cdr in reader.messages():
            message: Any = STORE.deserialize_cdr(cdr, connection.msgtype)
            rows.append(np.frombuffer(message.data, dtype))
    return sum(map(len, rows[1:]))


def measure(folder: Path, num_envs: int, rounds: int, files: int) -> dict[str, float]:
    rollouts = [rollout(num_envs, seed) for seed in range(files)]
    write_rollout(folder, f'warm_up_{num_envs}', METADATA, rollouts[0])
    writes, write_cpus, paths = [], [], []
    for seed, messages in enumerate(rollouts):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        paths.append(write_rollout(folder, f'{num_envs}_{seed}', METADATA, messages))
        writes.append(time.perf_counter() - begin)
        write_cpus.append(time.process_time() - cpu_begin)
    transitions = num_envs * TASK.episode_length
    readers = (read_with_her_ros, read_with_rosbags)
    assert all(read(path) == transitions for read in readers for path in paths)
    large = write_large(folder, rollouts)
    streamed = STREAMED_EPISODES * TASK.episode_length
    assert read_as_stream(large) == streamed

    def each(function: Callable[[Path], object]) -> Callable[[], object]:
        return lambda: [function(path) for path in paths]

    times = in_turn(
        {
            'ours': each(read_with_her_ros),
            'streamed': lambda: read_as_stream(large),
            'small streamed': each(read_as_stream),
            'rosbags': each(read_with_rosbags),
            'bytes': each(lambda path: crc32(path.read_bytes())),
            'metadata': each(read_bag_metadata),
        },
        rounds,
    )
    per_file = {name: median(found) / files for name, found in times.items()}
    return {
        'kB': paths[0].stat().st_size / 1e3,
        'write ms': median(writes) * 1e3,
        'of it CPU': median(write_cpus) * 1e3,
        'metadata µs': per_file['metadata'] * 1e6,
        'transitions/s': transitions / per_file['ours'],
        'streamed': streamed / median(times['streamed']),
        'streamed/ours': median(map(truediv, times['ours'], times['streamed']))
        * streamed
        / (transitions * files),
        'ours/small streamed': median(map(truediv, times['small streamed'], times['ours'])),
        'rosbags loop': transitions / per_file['rosbags'],
        'bytes and checksum': transitions / per_file['bytes'],
        'ours/rosbags': per_file['rosbags'] / per_file['ours'],
        'ours/bytes': per_file['bytes'] / per_file['ours'],
    }


def decompression(rounds: int) -> dict[str, dict[str, float]]:
    """Decompress one chunk within our limits, and as mcap itself does it; no checksums."""
    content = b''.join(encode_cloud(rows, 0) for seed in range(5) for rows in rollout(16, seed))
    content = content[:CHUNK_SIZE]
    plain = {'zstd': zstandard.decompress, 'lz4': lz4.frame.decompress}
    packed = {'zstd': zstandard.compress(content), 'lz4': lz4.frame.compress(content)}
    found = {}
    for name, chunk in packed.items():
        ours = partial(chunk_content, name, chunk, len(content), 0)
        assert ours() == plain[name](chunk) == content
        times = in_turn({'ours': ours, 'plain': partial(plain[name], chunk)}, rounds, 50)
        found[name] = {
            'µs': median(times['ours']) * 1e6,
            'plain µs': median(times['plain']) * 1e6,
            'ours/plain': median(map(truediv, times['plain'], times['ours'])),
        }
    return found


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=15)
    parser.add_argument('--files', type=whole(1), default=20, help='rollouts per size')
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
    chunks = decompression(arguments.rounds)
    print_table(
        'a chunk of 1 MiB',
        list(chunks['lz4']),
        [(name, *found.values()) for name, found in chunks.items()],
    )
    print_figures(
        bags_ingest_per_s=results[16]['transitions/s'],
        bags_ingest_4env_per_s=results[4]['transitions/s'],
        bags_ingest_1env_per_s=results[1]['transitions/s'],
        bags_streamed_per_s=results[16]['streamed'],
        bags_streamed_vs_whole=results[16]['streamed/ours'],
        bags_streamed_vs_whole_4env=results[4]['streamed/ours'],
        bags_streamed_vs_whole_1env=results[1]['streamed/ours'],
        bags_whole_vs_small_streamed=results[16]['ours/small streamed'],
        bags_whole_vs_small_streamed_4env=results[4]['ours/small streamed'],
        bags_whole_vs_small_streamed_1env=results[1]['ours/small streamed'],
        bags_zstd_vs_plain=chunks['zstd']['ours/plain'],
        bags_lz4_vs_plain=chunks['lz4']['ours/plain'],
        bags_rosbags_loop_per_s=results[16]['rosbags loop'],
        bags_write_ms_per_rollout=results[16]['write ms'],
    )


if __name__ == '__main__':
    main()
