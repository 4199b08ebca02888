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
Read bags that are truncated at every byte, have a damaged byte, or are malicious.

Each storage and compression form of a recording of FetchPush is cut and flipped. ``stream`` must
hand out exactly the episodes that were recorded, or raise one line. ``recover`` must give back
every episode whose messages lie before a cut in chunks that are whole (a lower bound: it also
reads what is left of the next chunk), and no episode that was not recorded. Where there is no
checksum per chunk, a flipped byte may change a value; there it must not raise anything but one
line.
"""

from collections.abc import Callable
import os
from pathlib import Path
import resource
import shutil
import subprocess
import sys
import textwrap

from campaign.figures import Figure, Scale
from campaign.hostile import bombs, floods
from her_ros.bags.errors import BagError
from her_ros.bags.repair.recover import recover
from her_ros.bags.storage.limits import LIMIT_VARIABLE
from her_ros.bags.storage.mcap_file import MAGIC, records
from her_ros.bags.stream import stream_episodes
from her_ros.episodes.splitting import split_rollout
from her_ros.runtime.errors import HerRosError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import Rollout
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from her_ros.wire.rows import Rows
from mcap.opcode import Opcode
from mcap.writer import CompressionType, Writer
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as DirectoryWriter
from rosbags.typesys import get_typestore, Stores

_SEED = 1
_TASK = TASKS['FetchPush']
_ROLLOUTS, _ENVS = 3, 2
# Damages of each kind per form.
_COUNTS = {Scale.SMALL: 4, Scale.SHORT: 60, Scale.LONG: 1000}
_CHUNK = 20_000
# A chunk of the limit below, a copy of it, a batch of messages, and the interpreter itself.
_LIMIT_MIB = 64
_PEAK_MB = 350.0
_READ = """
    import pathlib, sys
    from her_ros.bags.errors import BagError
    from her_ros.bags.inspection.info import read_info
    from her_ros.bags.repair.recover import recover
    from her_ros.bags.inspection.verify import Verified, verify
    from her_ros.tasks.registry import TASKS
    path, task = pathlib.Path(sys.argv[1]), TASKS['FetchPush']
    faults = len(read_info(path).damage) + len(list(verify(path, task, Verified())))
    try:
        recover(path, path.with_name('recovered'), task)
    except BagError as error:
        faults += 1
    # Not getrusage, whose peak includes that of the process that started this one.
    status = pathlib.Path('/proc/self/status').read_text()
    print(faults, int(status.partition('VmHWM:')[2].split()[0]) // 1024)
"""

Episode = tuple[bytes, ...]


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Damage bags, and read hostile ones."""
    messages = _recorded()
    expected = {_values(episode.rows) for episode in split_rollout(messages)[0]}
    random = np.random.default_rng(_SEED)
    counts = dict.fromkeys(('damages', 'wrong', 'lost', 'failed'), 0)
    for name, write in _FORMS.items():
        form = Path(folder, name)
        form.mkdir()
        _damage(write(form, messages), name, expected, _COUNTS[scale], random, counts)
        shutil.rmtree(form)
    return [
        Figure('bags_damaged', counts['damages']),
        Figure('bags_wrong_episodes', counts['wrong'], 0),
        Figure('bags_episodes_lost', counts['lost'], 0),
        Figure('bags_other_errors', counts['failed'], 0),
        *_read_hostile(folder, scale),
    ]


def _recorded() -> list[Rows]:
    """Run some rollouts of random actions; return their ``step`` rows by message."""
    random = np.random.default_rng(_SEED)
    rollout = Rollout(_TASK, FetchBatch(_TASK, list(range(_ENVS))), session=7)
    messages = []
    for _ in range(_ROLLOUTS):
        messages.append(rollout.start().copy())
        while not rollout.finished:
            actions = random.uniform(-1.0, 1.0, (_ENVS, _TASK.action_size)).astype(np.float32)
            rollout.accept_all(actions, 1)
            messages.append(rollout.advance().copy())
    return messages


def _values(rows: Rows) -> Episode:
    return tuple(rows[name].tobytes() for name in rows.dtype.names or ())


def _bare(folder: Path, messages: list[Rows], **options: object) -> Path:
    path = folder / 'bag.mcap'
    with path.open('wb') as file:
        writer = Writer(file, **options)
        writer.start('ros2')
        schema = writer.register_schema(CLOUD_TYPE, 'ros2msg', b'')
        channel = writer.register_channel('/step', 'cdr', schema)
        for stamp_ns, rows in enumerate(messages):
            writer.add_message(channel, stamp_ns, encode_cloud(rows, stamp_ns), stamp_ns)
        writer.finish()
    return path


def _directory(
    folder: Path,
    messages: list[Rows],
    plugin: StoragePlugin,
    mode: CompressionMode = CompressionMode.NONE,
) -> Path:
    """Write a rosbag2 directory; return its only file of messages."""
    path = folder / 'bag'
    writer = DirectoryWriter(path, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    store = get_typestore(Stores.ROS2_JAZZY)
    with writer:
        steps = writer.add_connection('/step', CLOUD_TYPE, typestore=store)
        for stamp_ns, rows in enumerate(messages):
            writer.write(steps, stamp_ns, encode_cloud(rows, stamp_ns))
    (path / 'metadata.yaml').unlink()
    (file,) = path.iterdir()
    return file


_MCAP, _SQLITE = StoragePlugin.MCAP, StoragePlugin.SQLITE3
_FORMS: dict[str, Callable[[Path, list[Rows]], Path]] = {
    'mcap_none': lambda f, m: _bare(f, m, compression=CompressionType.NONE, chunk_size=_CHUNK),
    'mcap_lz4': lambda f, m: _bare(f, m, compression=CompressionType.LZ4, chunk_size=_CHUNK),
    'mcap_zstd': lambda f, m: _bare(f, m, compression=CompressionType.ZSTD, chunk_size=_CHUNK),
    'mcap_unchunked': lambda f, m: _bare(f, m, use_chunking=False, enable_data_crcs=True),
    'mcap_messages': lambda f, m: _directory(f, m, _MCAP, CompressionMode.MESSAGE),
    'mcap_file': lambda f, m: _directory(f, m, _MCAP, CompressionMode.FILE),
    'sqlite': lambda f, m: _directory(f, m, _SQLITE),
    'sqlite_messages': lambda f, m: _directory(f, m, _SQLITE, CompressionMode.MESSAGE),
    'sqlite_file': lambda f, m: _directory(f, m, _SQLITE, CompressionMode.FILE),
}


def _damage(
    path: Path,
    form: str,
    expected: set[Episode],
    count: int,
    random: np.random.Generator,
    totals: dict[str, int],
) -> None:
    """Cut and flip one file, and count what comes back wrong."""
    content = path.read_bytes()
    for kind in ('cut', 'flip'):
        for place in random.integers(8, len(content), count).tolist():
            damaged = bytearray(content[:place] if kind == 'cut' else content)
            if kind == 'flip':
                damaged[place] ^= int(random.integers(1, 256))
            path.write_bytes(damaged)
            least = _certain(content, place) if kind == 'cut' and form in _BARE else 0
            case = f'{form}: {kind} at byte {place} of {len(content)} (seed {_SEED})'
            totals['damages'] += 1
            reference = expected if kind == 'cut' or form in _CHECKED else None
            _check(path, case, reference, least, totals)


# Only chunks have checksums that tell which of their values are right.
_CHECKED = ('mcap_none', 'mcap_lz4', 'mcap_zstd')
_BARE = ('mcap_none', 'mcap_lz4', 'mcap_zstd', 'mcap_unchunked')


def _certain(content: bytes, size: int) -> int:
    """
    Return how many episodes end in records that are whole before a cut.

    All episodes of a rollout end with its last message.
    """
    messages = 0
    for kind, start, stop in records(memoryview(content), len(MAGIC), len(content) - len(MAGIC)):
        if kind == Opcode.DATA_END or stop > size:
            break
        if kind == Opcode.MESSAGE:
            messages += 1
        elif kind == Opcode.MESSAGE_INDEX:
            # One behind each chunk: a message has an entry of 16 bytes behind channel and length.
            messages += (stop - start - 6) // 16
    return messages // (_TASK.episode_length + 1) * _ENVS


def _check(
    path: Path, case: str, expected: set[Episode] | None, least: int, totals: dict[str, int]
) -> None:
    def note(what: str, problem: str) -> None:
        totals[what] += 1
        print(f'{case}: {problem}', file=sys.stderr)

    out = path.parent.with_name('recovered')
    for read in (lambda: path, lambda: recover(path, out, _TASK).path):
        found: list[Episode] = []
        try:
            found += [_values(episode.rows) for episode in stream_episodes(read(), _TASK)]
        except BagError as error:
            if '\n' in str(error):
                note('failed', f'an error of several lines: {error!r}')
        except HerRosError as error:
            note('failed', f'{error!r}')
        except Exception as error:  # anything else is a traceback for a user
            note('failed', f'{error!r}')
        if expected is not None and (set(found) - expected or len(set(found)) < len(found)):
            note('wrong', 'an episode that was not recorded')
    if len(found) < least:
        note('lost', f'{len(found)} episodes recovered, at least {least} are there')
    shutil.rmtree(out, ignore_errors=True)


def _read_hostile(folder: Path, scale: Scale) -> list[Figure]:
    """Read each hostile file in a process of its own, in every way, within a minute."""
    peaks, accepted, failed = [0], 0, 0
    files = bombs() if scale is Scale.SMALL else {**bombs(), **floods()}
    names = sorted(files)[: 2 if scale is Scale.SMALL else None]
    for name in names:
        path = folder / name
        path.write_bytes(files[name])
        done = subprocess.run(
            [sys.executable, '-c', textwrap.dedent(_READ), str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, LIMIT_VARIABLE: str(_LIMIT_MIB)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
        )
        if done.returncode:
            failed += 1
            print(f'{name}: status {done.returncode}: {done.stderr[-300:]}', file=sys.stderr)
            continue
        faults, peak = map(int, done.stdout.split())
        accepted += not faults
        peaks.append(peak)
        shutil.rmtree(folder / 'recovered', ignore_errors=True)
    return [
        Figure('hostile_files', len(names)),
        Figure('hostile_accepted', accepted, 0),
        Figure('hostile_failed', failed, 0),
        Figure('hostile_peak_mb', max(peaks), _PEAK_MB),
    ]
