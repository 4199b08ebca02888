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

"""Bytes flipped at random: no traceback, and nothing else than what was recorded."""

from contextlib import suppress
from itertools import pairwise

from her_ros.bags.errors import BagError
from her_ros.bags.inspection.info import read_info
from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.repair.recover import recover
from her_ros.bags.stream import stream_episodes
from her_ros.bags.writer import write_rollout
from mcap.writer import CompressionType
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode, StoragePlugin

METADATA = {'task': 'FetchPush'}
TRIALS = 60


@pytest.fixture
def messages(rollouts, push):
    found = rollouts(5, (6, 6))
    for rows in found:
        moved = rows['step'] > 0
        goals = rows['achieved_goal'], rows['desired_goal']
        rows['reward'] = push.reward(*goals) * moved
        rows['is_success'] = push.is_success(*goals) * moved
    return found


@pytest.fixture
def form(request, tmp_path, messages, write_mcap, write_directory):
    folder = tmp_path / 'bag'
    small = {'chunk_size': 9000}
    match request.param:
        case 'ours':
            return write_rollout(tmp_path, 'bag', METADATA, messages)
        case 'zstd':
            return write_mcap(tmp_path / 'bag.mcap', messages, **small)
        case 'plain':
            options = {'compression': CompressionType.NONE, **small}
            return write_mcap(tmp_path / 'bag.mcap', messages, **options)
        case 'unchunked':
            return write_mcap(tmp_path / 'bag.mcap', messages, use_chunking=False)
        case 'directory':
            return write_directory(folder, messages, StoragePlugin.MCAP)
        case 'zstd file':
            return write_directory(folder, messages, StoragePlugin.MCAP, CompressionMode.FILE)
        case 'sqlite3':
            return write_directory(folder, messages, StoragePlugin.SQLITE3)
        case 'zstd messages':
            return write_directory(
                folder, messages, StoragePlugin.SQLITE3, CompressionMode.MESSAGE
            )


def values(rows):
    return tuple(rows[name].tobytes() for name in rows.dtype.names)


def damage(content, random):
    flipped = bytearray(content)
    for position in random.integers(0, len(content), random.integers(1, 4)):
        flipped[position] ^= int(random.integers(1, 256))
    return bytes(flipped)


@pytest.mark.parametrize(
    'form',
    ['ours', 'zstd', 'plain', 'unchunked', 'directory', 'zstd file', 'sqlite3', 'zstd messages'],
    indirect=True,
)
def test_flipped_bytes(request, tmp_path, form, push, messages, all_rows):
    has_checksums = request.node.callspec.params['form'] in ('ours', 'zstd', 'plain')
    original = {values(rows) for rows in all_rows(messages)}
    random, refused = np.random.default_rng(11), 0
    files = [form] if form.is_file() else sorted(form.iterdir())
    contents = [each.read_bytes() for each in files]
    assert not list(verify(form, push, Verified()))
    for trial in range(TRIALS):
        # The storage is what matters, metadata.yaml comes last in the list.
        index = len(files) - 1 if trial % 4 == 3 else 0
        files[index].write_bytes(damage(contents[index], random))
        has_fault = any(True for _ in verify(form, push, Verified()))
        found = set()
        try:
            found.update(values(episode.rows) for episode in stream_episodes(form, push))
        except BagError:
            refused += 1
        read_info(form, push)
        if has_checksums:
            assert found <= original
            if not has_fault:
                assert found == original
        with suppress(BagError):
            recovered = recover(form, tmp_path / f'recovered_{trial}', push)
            if has_checksums and recovered.episodes:
                mended = stream_episodes(recovered.path, push)
                assert {values(episode.rows) for episode in mended} <= original
        files[index].write_bytes(contents[index])
    assert refused > 0
    assert not list(verify(form, push, Verified()))


def test_the_fuzzer_flips(messages):
    """What is fuzzed differs from the original, and from trial to trial."""
    random, content = np.random.default_rng(0), bytes(1000)
    trials = [damage(content, random) for _ in range(20)]
    assert content not in trials
    assert all(one != other for one, other in pairwise(trials))
