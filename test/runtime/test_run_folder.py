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

import os
import subprocess
import sys
import threading

from her_ros.runtime import run_folder as module
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder, RunFolderError, Start
import pytest

HOLD = """
import sys, time
from her_ros.runtime.run_folder import RunFolder
with RunFolder(sys.argv[1]).locked():
    print('held', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / 'run')
    folder.create()
    return folder


@pytest.fixture
def holder(folder):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == 'held\n'
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_new_folder_is_one_and_making_it_again_keeps_it(folder):
    folder.require()
    (folder.bags / 'bag.mcap').touch()
    folder.create()
    assert [path.name for path in folder.bags.iterdir()] == ['bag.mcap']
    names = {path.name for path in folder.path.iterdir()}
    assert names == {'bags', 'evaluation', 'log', 'tensorboard', 'starts'}


def test_paths_do_not_move_with_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder('runs/x')
    monkeypatch.chdir('/')
    folder.create()
    assert (tmp_path / 'runs' / 'x' / 'bags').is_dir()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(RunFolderError, match=r'/file/run: cannot be written \(.+\); choose'):
        RunFolder(tmp_path / 'file' / 'run').create()


def test_a_folder_that_is_no_run_is_named(tmp_path):
    for path in (tmp_path, tmp_path / 'missing'):
        with pytest.raises(RunFolderError, match=rf'^{path}: not a run folder; .* run_dir'):
            RunFolder(path).require()


def test_a_second_process_is_refused_and_told_who_holds_the_folder(folder, holder):
    with (
        pytest.raises(RunFolderError, match=rf'{folder.path}: in use by process {holder.pid};'),
        folder.locked(),
    ):
        pass


def test_a_killed_holder_leaves_the_folder_free(folder, holder):
    holder.kill()
    holder.wait()
    with folder.locked():
        pass


def test_the_lock_ends_with_its_block(folder):
    again = RunFolder(folder.path)
    for _ in range(2):
        with folder.locked(), pytest.raises(RunFolderError, match='in use'), again.locked():
            pass


def test_folders_are_locked_apart(folder, tmp_path, holder):
    other = RunFolder(tmp_path / 'other')
    other.create()
    with other.locked():
        pass


def test_starts_are_counted_by_role_and_worker_over_processes(folder):
    assert [folder.count_start('policy') for _ in range(3)] == [0, 1, 2]
    assert folder.count_start('policy', 1) == 0
    assert folder.count_start('sim_env') == 0
    assert RunFolder(folder.path).count_start('policy') == 3
    assert Start(str(folder.path), 'policy').number == 4


def test_a_renamed_role_keeps_the_counts_of_its_starts(folder):
    counts = {0: 1, 1: 3}
    for worker, count in counts.items():
        for _ in range(count):
            folder.count_start('earlier', worker)
    folder.hold('earlier').close()
    for _ in range(2):  # the second time there is nothing to do
        folder.rename_role('earlier', 'present')
    assert {worker: folder.count_start('present', worker) for worker in counts} == counts
    assert folder.count_start('earlier') == 0
    folder.rename_role('earlier', 'present')
    assert folder.count_start('present') == 2


def test_a_role_has_one_holder_which_a_refusal_names(folder, monkeypatch):
    monkeypatch.setattr(module, '_PATIENCE_S', 0.0)
    again = RunFolder(folder.path)
    with folder.hold('recorder', 1):
        with pytest.raises(RunFolderError, match=f'worker 1 is process {os.getpid()} '):
            again.hold('recorder', 1)
        again.hold('recorder', 2).close()
        again.hold('policy', 1).close()
    again.hold('recorder', 1).close()


def test_a_role_is_waited_for_while_its_holder_ends(folder):
    held = folder.hold('trainer')
    threading.Timer(0.2, held.close).start()
    RunFolder(folder.path).hold('trainer').close()


@pytest.mark.parametrize('content', [b'\xff\xfe\x00\n' * 100, b''])
def test_a_damaged_lock_file_is_shown_in_one_line(folder, holder, content):
    (folder.path / 'lock').write_bytes(content)
    with pytest.raises(RunFolderError, match='in use') as caught, folder.locked():
        pass
    assert '\n' not in str(caught.value)


def test_a_symbolic_link_named_lock_is_not_followed(folder, tmp_path):
    target = tmp_path / 'precious'
    target.write_text('kept')
    (folder.path / 'lock').symlink_to(target)
    with pytest.raises(RunFolderError, match='lock'), folder.locked():
        pass
    assert target.read_text() == 'kept'


@pytest.mark.parametrize(
    'content', [b'many', b'', b'-3', b'1_0', b'\xff\xfe1', b'1' * 5000, b'\0' * 8, b'1\n2\n']
)
def test_a_damaged_count_is_named_with_the_cure(folder, content):
    path = folder.path / 'starts' / 'policy_0'
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=rf'^{path}: not the number .* such as 1000$'):
        folder.count_start('policy')
    assert path.read_bytes() == content
    path.write_text('1000')
    assert folder.count_start('policy') == 1000


def test_a_count_that_is_no_file_is_named(folder):
    os.mkfifo(folder.path / 'starts' / 'policy_0')
    with pytest.raises(HerRosError, match='starts/policy_0: not a regular file'):
        folder.count_start('policy')


def test_a_missing_folder_is_named_at_a_start(tmp_path):
    with pytest.raises(RunFolderError, match=rf'{tmp_path}/none/starts/policy_0.lock: cannot be'):
        Start(str(tmp_path / 'none'), 'policy')


def test_without_a_run_folder_every_start_is_the_first():
    assert [Start('', 'policy').number for _ in range(2)] == [0, 0]


def test_versions_with_one_number_are_evaluated_in_different_files(folder):
    one, two = folder.evaluation_bag(7, 'a' * 64), folder.evaluation_bag(7, 'b' * 64)
    assert one != two
    assert one.parent == two.parent == folder.evaluation
    assert {one.suffix, two.suffix} == {'.mcap'}


def test_each_run_has_an_identity_that_stays(tmp_path):
    one, other = (RunFolder(tmp_path / name) for name in ('one', 'other'))
    assert one.identity == ''
    for folder in (one, other):
        folder.create()
    identity = one.identity
    one.create()
    assert one.identity == identity != other.identity
    assert len(identity) == 32
    assert not one.is_online  # no node has worked here
    path = tmp_path / 'one' / 'starts' / 'id'
    path.write_bytes(b'\xff' * 100)
    assert one.identity == ''
    one.create()
    assert len(one.identity) == 32


def test_a_folder_is_removed_only_while_it_is_unused(tmp_path):
    def made(name):
        folder = RunFolder(tmp_path / name)
        folder.create()
        folder.params.touch()
        return folder

    new, held, used = made('new'), made('held'), made('used')
    (used.bags / 'a.mcap').touch()
    with held.locked():
        for folder in (new, held, used):
            folder.remove_if_unused()
    assert {*tmp_path.iterdir()} == {held.path, used.path}
    assert (used.bags / 'a.mcap').exists()
    new.remove_if_unused()  # it is gone already
