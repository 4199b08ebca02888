import shutil

import numpy as np
import pytest

from her_ros.bags.reader import read_bag
from her_ros.runtime.errors import HerRosError
from her_ros.view.browser import library as library_module
from her_ros.view.browser.library import Library, bags_at, bags_in


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
        np.testing.assert_array_equal(library.episode(entry).rows, episode.rows)
    assert [each.number for each in library.entries] == [*range(1, 9)]
    assert len(library.neighbours(library.entries[3])) == 8


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
    (fault,) = library.faults
    assert 'a.mcap' in fault


def test_episodes_beyond_the_memory_are_read_again(recorded_run, monkeypatch):
    monkeypatch.setattr(library_module, '_MEMORY', 0)
    library = Library(bags_at(recorded_run))
    entry = read_all(library)[5]
    assert library.episode(entry).rows['env'][0] == 5
    assert len(library.neighbours(entry)) == 1
    shutil.rmtree(recorded_run)
    with pytest.raises(HerRosError, match='No such file'):
        library.episode(entry)
