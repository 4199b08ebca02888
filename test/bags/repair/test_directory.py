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
import signal

from her_ros.bags.reader import read_bag
from her_ros.bags.repair.directory import DirectoryWriter
from her_ros.bags.repair.merge import merge
from her_ros.bags.repair.recover import recover
from her_ros.bags.writer import BagWriter, remove_unfinished, write_rollout
import pytest

METADATA = {'task': 'FetchPush'}


def killed_while_writing(make):
    """Begin a bag in a process that is killed."""
    pid = os.fork()
    if not pid:
        try:
            make()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def hidden(folder):
    return sorted(path.name for path in folder.glob('.*'))


@pytest.mark.parametrize('command', ['recover', 'merge'])
def test_what_killed_writers_left_goes_and_that_of_living_ones_stays(
    tmp_path, make_rollout, command
):
    source = write_rollout(tmp_path, 'source', METADATA, make_rollout())
    out = tmp_path / 'out [1]'
    for _ in range(2):
        killed_while_writing(lambda: DirectoryWriter(out))
    killed_while_writing(lambda: DirectoryWriter(tmp_path / 'other'))
    (other,) = tmp_path.glob('.other.*.tmp')
    empty = tmp_path / '.out [1].1.tmp'  # killed before its file was made
    empty.mkdir()
    with DirectoryWriter(out) as living:
        living_folder = living._temporary.rename(tmp_path / '.out [1].2.tmp')
        recover(source, out) if command == 'recover' else merge([source], out)
        assert hidden(tmp_path) == sorted([living_folder.name, other.name])
        assert len(list(living_folder.iterdir())) == 1
    assert len(read_bag(out).episodes) == 2


def test_unfinished_bags_of_killed_writers_go_and_those_of_living_ones_stay(tmp_path):
    for name in ('a_1', 'a_2', 'b_1'):
        killed_while_writing(lambda name=name: BagWriter(tmp_path, name, METADATA))
    living = BagWriter(tmp_path, 'a_3', METADATA)
    remove_unfinished(tmp_path, 'a_*')
    assert hidden(tmp_path) == ['.a_3.mcap.tmp', '.b_1.mcap.tmp']
    BagWriter(tmp_path, 'b_1', METADATA).close()
    living.close()
    assert sorted(os.listdir(tmp_path)) == ['a_3.mcap', 'b_1.mcap']
