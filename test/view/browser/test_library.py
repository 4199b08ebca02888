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

from contextlib import closing
import os
import shutil
import sqlite3
import time
from types import SimpleNamespace

from her_ros.bags.reader import read_bag
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.registry import task_named
from her_ros.view.browser import library as library_module
from her_ros.view.browser.library import bags_at, bags_in, Library
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
import numpy as np
import pytest


def read_all(library):
    library.look()
    while library.is_reading:
        library.read(1.0)
    return library.entries


def test_every_episode_of_a_run_is_listed_once(recorded_run):
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    library = Library(bags_at(recorded_run))
    assert read_all(library) == read_all(library)
    assert not library.faults
    for entry, episode in zip(library.entries, read_bag(bag).episodes, strict=True):
        assert (entry.bag, entry.length, entry.is_success) == (bag, 50, episode.is_success)
        assert entry.total_reward == episode.reward.sum()
        assert entry.version == '0'
        np.testing.assert_array_equal(found(library, entry).rows, episode.rows)
    assert [each.number for each in library.entries] == [*range(1, 9)]
    places = [int(each.rows['env'][0]) for each in library.neighbours(library.entries[3])]
    assert sorted(places) == [0, 1, 2, 4, 5, 6, 7]  # not the episode itself
    assert sorted(places[:2]) == [2, 4]


def found(library, entry):
    *_, episode = library.search(entry)
    return episode


def test_reading_stops_when_its_time_is_over(recorded_run):
    library = Library(bags_at(recorded_run))
    library.look()
    library.read(0.0)
    assert library.is_reading
    assert not library.entries


def test_bags_that_come_later_are_added(recorded_run, tmp_path):
    library = Library(bags_in(tmp_path / 'bags'))
    assert read_all(library) == []
    shutil.copytree(recorded_run / 'bags', tmp_path / 'bags')
    (bag,) = (tmp_path / 'bags').glob('*.mcap')
    assert len(read_all(library)) == 8
    shutil.copy(bag, bag.with_name('zzz.mcap'))
    assert len(read_all(library)) == 16


def test_a_damaged_bag_is_named_and_the_others_are_read(recorded_run):
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    bag.with_name('a.mcap').write_bytes(bag.read_bytes()[:1000])
    library = Library(bags_at(recorded_run))
    assert len(read_all(library)) == 8
    (fault,) = library.faults.values()
    assert 'a.mcap' in fault


def test_a_bag_that_is_still_written_is_read_on(recorded_run, tmp_path):
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    (growing,) = bags = [tmp_path / 'growing.mcap']
    content = bag.read_bytes()
    growing.write_bytes(content[: len(content) // 3])
    library = Library(lambda: bags)
    first = len(read_all(library))
    assert first < 8
    assert library.faults
    assert read_all(library) == library.entries[:first]  # not again while it is the same
    growing.write_bytes(content)
    time.sleep(0.5)  # some times as long as reading took
    read_all(library)
    assert sorted(envs(library)) == [*range(8)]
    assert not library.faults


@pytest.fixture
def growing(tmp_path):
    """
    Return a database of a recorder that still writes, and the messages of two environments.

    Each message has row t of the environments; env 1 ends after 25 moves, env 0 after 50.
    """
    task, random = task_named('FetchReach'), np.random.default_rng(0)
    episodes = []
    for env, moves in enumerate((50, 25)):
        observation = random.normal(size=(moves + 1, task.observation_size))
        path, action = random.normal(size=(moves + 1, 3)), np.zeros((moves, 4))
        episode = Episode.from_arrays(task, observation, path, [1.0, 1.0, 1.0], action)
        episode.rows['env'] = env
        episodes.append(episode.rows)
    (tmp_path / 'growing').mkdir()
    bag = tmp_path / 'growing/a.db3'
    with closing(sqlite3.connect(bag)) as file:

        def add(begin, end):
            for t in range(begin, end):
                rows = np.concatenate([each[t:][:1] for each in episodes])
                cloud = encode_cloud(rows, t)
                file.execute('INSERT INTO messages VALUES(NULL, 1, ?, ?)', (t, cloud))
            file.commit()

        file.execute('CREATE TABLE topics(id, name, type, serialization_format)')
        file.execute('CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data)')
        file.execute('INSERT INTO topics VALUES(1, "/step", ?, "cdr")', (CLOUD_TYPE,))
        file.commit()
        yield SimpleNamespace(bag=bag, file=file, add=add, task=task)


def envs(library):
    return [int(found(library, each).rows['env'][0]) for each in library.entries]


def test_episodes_of_a_bag_that_grows_are_not_taken_for_each_other(growing, monkeypatch):
    """Where env 1 was listed first, env 0 came in before it when it ended."""
    monkeypatch.setattr(library_module, '_REST', 0.0)
    monkeypatch.setattr(library_module, '_MEMORY', 0)  # every one is searched for
    library = Library(lambda: [growing.bag], growing.task)
    growing.add(0, 40)
    read_all(library)
    assert envs(library) == [1]
    growing.add(40, 51)
    read_all(library)
    assert envs(library) == [1, 0]


@pytest.mark.parametrize('journal', ['delete', 'wal'])
def test_a_bag_that_grew_without_damage_is_read_on(growing, monkeypatch, journal):
    """Also after a long pause of the recorder, and while sqlite writes to its log instead."""
    monkeypatch.setattr(library_module, '_REST', 0.0)
    growing.file.execute(f'PRAGMA journal_mode={journal}')
    library = Library(lambda: [growing.bag], growing.task)
    growing.add(0, 40)
    for file in growing.bag.parent.iterdir():
        os.utime(file, (1e9, 1e9))
    assert len(read_all(library)) == 1
    library.look()
    assert not library.is_reading  # not again while it is the same
    assert not library.faults
    growing.add(40, 51)
    assert len(read_all(library)) == 2


def test_a_bag_that_was_away_is_read_on(growing, monkeypatch):
    monkeypatch.setattr(library_module, '_REST', 0.0)
    library = Library(lambda: [growing.bag], growing.task)
    growing.add(0, 40)
    assert len(read_all(library)) == 1
    away = growing.bag.rename(growing.bag.with_name('away'))
    assert len(read_all(library)) == 1
    assert not library.faults
    away.rename(growing.bag)
    os.utime(growing.bag, (1e9, 1e9))
    library.look()
    assert library.is_reading


def test_a_folder_that_comes_back_is_no_fault_any_more():
    there = False

    def find():
        if not there:
            raise HerRosError('is not there')
        return []

    library = Library(find)
    library.look()
    assert [*library.faults.values()] == ['is not there']
    there = True
    library.look()
    assert not library.faults


def test_episodes_beyond_the_memory_are_read_again(recorded_run, monkeypatch):
    monkeypatch.setattr(library_module, '_MEMORY', 40_000)
    library = Library(bags_at(recorded_run))
    entries = read_all(library)
    # the newest are kept
    assert [*library._kept] == [*range(9 - len(library._kept), 9)]
    assert 0 < len(library._kept) < 6
    assert library._kept_bytes <= 40_000
    search = library.search(entries[2])
    assert next(search) is None  # in parts
    assert found(library, entries[2]).rows['env'][0] == 2
    assert [*library._kept][-1] == 3
    shutil.rmtree(recorded_run)
    with pytest.raises(HerRosError, match='No such file'):
        found(library, entries[0])
