"""Hostile bags: memory and time follow limits, not what a file claims."""

import os
import struct

import lz4.frame
import pytest
import zstandard
from rosbags.rosbag2 import StoragePlugin

from her_ros.bags.errors import BagError
from her_ros.bags.mcap_file import MAGIC
from her_ros.bags.reader import read_bag
from her_ros.bags.recover import recover
from her_ros.bags.storage import LIMIT_VARIABLE
from her_ros.bags.stream import stream_episodes

BOMB_MB = 8


def record(kind, body):
    return bytes([kind]) + struct.pack('<Q', len(body)) + body


def text(value):
    return struct.pack('<I', len(value)) + value.encode()


def bomb(compression, content, claim):
    data = {'zstd': zstandard.compress, 'lz4': lz4.frame.compress}[compression](content)
    chunk = struct.pack('<QQQI', 0, 0, claim, 0) + text(compression)
    chunk = record(6, chunk + struct.pack('<Q', len(data)) + data)
    end = record(15, struct.pack('<I', 0)) + record(2, struct.pack('<QQI', 0, 0, 0))
    return MAGIC + record(1, text('ros2') + text('x')) + chunk + end + MAGIC


def message_of(content):
    schema = record(3, struct.pack('<H', 1) + text('a/msg/B') + text('ros2msg') + text('x'))
    channel = record(4, struct.pack('<HH', 1, 1) + text('/b') + text('cdr') + struct.pack('<I', 0))
    return schema + channel + record(5, struct.pack('<HIQQ', 1, 0, 0, 0) + content)


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, '1')


@pytest.mark.parametrize('compression', ['zstd', 'lz4'])
@pytest.mark.parametrize('claims_less', [False, True])
def test_a_chunk_beyond_the_limit_is_refused(tmp_path, push, compression, claims_less):
    content = message_of(bytes(BOMB_MB << 20))
    path = tmp_path / 'a.mcap'
    path.write_bytes(bomb(compression, content, 1000 if claims_less else len(content)))
    for read in (lambda: read_bag(path, push), lambda: list(stream_episodes(path, push))):
        with pytest.raises(BagError, match='chunk'):
            read()
    with pytest.raises(BagError, match='chunk'):
        recover(path, tmp_path / 'out')


def test_the_limit_is_named_and_can_be_set(tmp_path, monkeypatch):
    content = message_of(bytes(BOMB_MB << 20))
    path = tmp_path / 'a.mcap'
    path.write_bytes(bomb('zstd', content, len(content)))
    with pytest.raises(BagError, match=f'larger than 1 MB; set {LIMIT_VARIABLE}'):
        recover(path, tmp_path / 'out')
    monkeypatch.setenv(LIMIT_VARIABLE, '16')
    assert recover(path, tmp_path / 'out').counts == {'/b': 1}
    monkeypatch.setenv(LIMIT_VARIABLE, 'many')
    with pytest.raises(BagError, match=LIMIT_VARIABLE):
        recover(path, tmp_path / 'again')


def test_a_compressed_message_in_a_compressed_chunk_is_limited(tmp_path):
    content = message_of(zstandard.compress(bytes(BOMB_MB << 20)))
    path = tmp_path / 'a.mcap'
    path.write_bytes(bomb('zstd', content, len(content)))
    with pytest.raises(BagError, match='a compressed message is larger than 1 MB'):
        recover(path, tmp_path / 'out')


def test_zeros_are_no_records(tmp_path):
    content = bytes(1 << 19)
    path = tmp_path / 'a.mcap'
    path.write_bytes(bomb('zstd', content, len(content)))
    with pytest.raises(BagError, match='kind 0'):
        recover(path, tmp_path / 'out')


def test_a_file_compressed_as_a_whole_is_limited(tmp_path, push):
    path = tmp_path / 'a.mcap.zstd'
    path.write_bytes(zstandard.compress(bytes(BOMB_MB << 20)))
    with pytest.raises(BagError, match='the decompressed file is larger than 1 MB'):
        list(stream_episodes(path, push))


def test_a_pipe_is_no_bag(tmp_path, push):
    os.mkfifo(tmp_path / 'a.mcap')
    with pytest.raises(BagError, match='not a regular file'):
        list(stream_episodes(tmp_path / 'a.mcap', push))
    with pytest.raises(BagError, match='not a regular file'):
        read_bag(tmp_path / 'a.mcap', push)


def test_a_link_out_of_a_bag_is_not_followed(tmp_path, push, rollouts, write_directory):
    folder = write_directory(tmp_path / 'bag', rollouts(), StoragePlugin.MCAP)
    (file,) = folder.glob('*.mcap')
    file.rename(tmp_path / 'outside.mcap')
    file.symlink_to(tmp_path / 'outside.mcap')
    with pytest.raises(BagError, match='outside the bag'):
        read_bag(folder, push)
    with pytest.raises(BagError, match='outside the bag'):
        recover(folder, tmp_path / 'out')


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('version: 9', 'version: .inf'),
        ('custom_data:', 'custom_data: [a, b]\nother:'),
        ('custom_data:', 'custom_data: {a: [&a [x], *a]}\nother:'),
        ('custom_data:', f'custom_data: {"[" * 3000}{"]" * 3000}\nother:'),
    ],
)
def test_recover_needs_no_metadata(tmp_path, push, rollouts, write_directory, old, new):
    folder = write_directory(tmp_path / 'bag', rollouts(), StoragePlugin.MCAP)
    path = folder / 'metadata.yaml'
    changed = path.read_text().replace(old, new.replace('\n', '\n  '))
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(BagError, match='metadata'):
        read_bag(folder, push)
    assert recover(folder, tmp_path / 'out').episodes == 8
