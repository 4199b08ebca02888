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

import hashlib
import os
import threading

from her_ros.runtime.files import (
    create_held,
    file_sha256,
    FileError,
    publish_file,
    remove_unheld,
    set_aside,
    sha256,
    write_whole,
)
import pytest


def test_content_is_written_as_given(tmp_path):
    path = tmp_path / 'file'
    write_whole(path, b'bytes')
    assert path.read_bytes() == b'bytes'
    write_whole(path, lambda temporary: temporary.write_text('text'))
    assert path.read_bytes() == b'text'
    assert os.listdir(tmp_path) == ['file']


def fail_halfway(temporary):
    temporary.write_bytes(b'half')
    raise RuntimeError('disk full')


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(b'old')
    with pytest.raises(RuntimeError, match='disk full'):
        write_whole(path, fail_halfway)
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['file']


def test_a_failed_rename_leaves_nothing(tmp_path):
    path = tmp_path / 'folder'
    (path / 'content').mkdir(parents=True)
    with pytest.raises(FileError, match=r'folder: cannot be written \(.+\)'):
        write_whole(path, b'new')
    assert os.listdir(tmp_path) == ['folder']


def test_a_file_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    synced = []

    def fsync(descriptor):
        synced.append((os.readlink(f'/proc/self/fd/{descriptor}'), path.exists()))

    monkeypatch.setattr(os, 'fsync', fsync)
    write_whole(path, b'content')
    (content, named_before), (folder, named_after) = synced
    assert os.path.dirname(content) == folder == str(tmp_path)
    assert (named_before, named_after) == (False, True)


def test_a_reader_sees_the_old_content_or_the_new_one(tmp_path):
    path = tmp_path / 'file'
    contents = [bytes([kind]) * 100_000 for kind in (1, 2)]
    write_whole(path, contents[0])
    stop, seen = threading.Event(), set()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for index in range(1, 60):
            write_whole(path, contents[index % 2])
    finally:
        stop.set()
        reader.join()
    assert seen <= set(contents)
    assert seen


def test_publishing_takes_the_place_of_the_old_file(tmp_path):
    temporary, path = tmp_path / '.file.tmp', tmp_path / 'file'
    temporary.write_bytes(b'new')
    path.write_bytes(b'old')
    publish_file(temporary, path)
    assert path.read_bytes() == b'new'
    assert not temporary.exists()


def test_digests_are_sha256_in_hexadecimal(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / 'file').write_bytes(content)
    assert sha256(content) == file_sha256(tmp_path / 'file') == hashlib.sha256(content).hexdigest()


def test_a_file_is_set_aside_beside_all_that_were(tmp_path):
    names = []
    for content in ('1', '2', '3'):
        (tmp_path / 'bag.mcap').write_text(content)
        names.append(set_aside(tmp_path / 'bag.mcap').name)
        assert (tmp_path / names[-1]).read_text() == content
    assert names == [f'bag.mcap.damaged_{number}' for number in (1, 2, 3)]
    assert sorted(os.listdir(tmp_path)) == names


@pytest.mark.parametrize('content', [b'new', lambda temporary: temporary.write_bytes(b'new')])
def test_links_are_not_followed(tmp_path, content):
    precious = tmp_path / 'precious'
    precious.write_bytes(b'kept')
    for name in ('file', f'.file.{os.getpid()}.tmp'):
        (tmp_path / name).symlink_to(precious)
    write_whole(tmp_path / 'file', content)
    assert precious.read_bytes() == b'kept'
    assert (tmp_path / 'file').read_bytes() == b'new'
    assert not (tmp_path / 'file').is_symlink()
    (tmp_path / '.held').symlink_to(precious)
    with create_held(tmp_path / '.held') as file:
        file.write(b'new')
    assert precious.read_bytes() == b'kept'
    assert sorted(os.listdir(tmp_path)) == ['.held', 'file', 'precious']


def test_what_is_held_stays_and_leftovers_go(tmp_path):
    folder = tmp_path / '.folder'
    folder.mkdir()
    paths = [tmp_path / '.file', folder / 'file']
    held = [create_held(path) for path in paths]
    for path in (paths[0], folder):
        remove_unheld(path)
    assert all(path.exists() for path in paths)
    with pytest.raises(FileExistsError):
        create_held(paths[0])
    for file in held:
        file.close()
    create_held(paths[0]).close()
    for path in (paths[0], folder):
        remove_unheld(path)
    assert os.listdir(tmp_path) == []
    remove_unheld(paths[0])


def test_a_file_that_is_just_made_is_never_taken_for_a_leftover(tmp_path):
    path, stop = tmp_path / '.file', threading.Event()

    def remove():
        while not stop.is_set():
            remove_unheld(path)

    threads = [threading.Thread(target=remove) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            with create_held(path) as file:
                assert os.fstat(file.fileno()).st_ino == path.stat().st_ino
    finally:
        stop.set()
        for thread in threads:
            thread.join()
