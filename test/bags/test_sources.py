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

from pathlib import Path
import re

from her_ros.bags.errors import BagError
from her_ros.bags.sources import expand, files_of
import pytest


@pytest.fixture
def tree(tmp_path):
    for name in (
        'run/bags/b.mcap', 'run/bags/a.mcap', 'run/bags/.c.mcap.tmp', 'run/evaluation/v1.mcap',
        'folder/2.db3', 'folder/10.mcap', 'folder/3.mcap.zstd', 'folder/notes.txt',
        'folder/recorded/metadata.yaml', 'folder/recorded/recorded_0.mcap', 'folder/other/x.mcap',
        'empty/notes.txt', 'fresh/bags/.a.mcap.tmp',
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ('named', 'meant'),
    [
        (['run'], ['run/bags/a.mcap', 'run/bags/b.mcap']),
        (['run/evaluation'], ['run/evaluation/v1.mcap']),
        (['folder'], ['folder/10.mcap', 'folder/2.db3', 'folder/3.mcap.zstd', 'folder/recorded']),
        (['folder/recorded'], ['folder/recorded']),
        (['folder/2.db3', 'run/bags/b.mcap'], ['folder/2.db3', 'run/bags/b.mcap']),
        (['run/bags/b.mcap', 'run'], ['run/bags/b.mcap', 'run/bags/a.mcap']),
    ],
)
def test_what_a_user_names_stands_for_bags(tree, named, meant):
    assert expand([tree / each for each in named]) == [tree / each for each in meant]


@pytest.mark.parametrize(
    ('named', 'said'),
    [
        ('nothing', 'no such file'),
        ('empty', 'no bag in .*empty'),
        ('fresh', 'no bag in .*fresh/bags'),
        ('empty/notes.txt', r'\.mcap, \.db3'),
    ],
)
def test_a_path_without_a_bag_is_named(tree, named, said):
    with pytest.raises(BagError, match=f'^{re.escape(str(tree / named))}: .*{said}'):
        expand([tree / 'run', tree / named])


def test_nothing_named_is_an_error():
    with pytest.raises(BagError, match='no bag is named'):
        expand([])


def test_a_link_is_the_bag_it_leads_to(tree):
    (tree / 'link.mcap').symlink_to(tree / 'run/bags/a.mcap')
    assert expand([tree / 'link.mcap', tree / 'run']) == [
        tree / 'link.mcap', Path(tree / 'run/bags/b.mcap')
    ]  # fmt: skip


def test_the_files_of_a_bag_are_listed(tmp_path):
    for name in ('a.db3', 'a.db3-wal', 'a.db3-journal', 'b.db3'):
        (tmp_path / name).touch()
    assert {each.name for each in files_of(tmp_path / 'a.db3')} == {
        'a.db3', 'a.db3-wal', 'a.db3-journal'
    }  # fmt: skip
    assert files_of(tmp_path / 'b.db3') == [tmp_path / 'b.db3']
    assert sorted(files_of(tmp_path)) == sorted(tmp_path.iterdir())


def test_a_folder_of_runs_names_one_of_them(tmp_path):
    for name in ('run_002', 'run_001'):
        (tmp_path / name / 'bags').mkdir(parents=True)
    with pytest.raises(BagError, match=r'such as .*run_001$'):
        expand([tmp_path])
