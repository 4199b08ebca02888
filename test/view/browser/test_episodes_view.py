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

import shutil
import sys

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.view.browser import stage
from her_ros.view.browser.library import bags_in, Library
import numpy as np
import pytest

viser = pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")


@pytest.fixture
def open_page():
    from her_ros.view.browser.episodes_view import EpisodesView
    from her_ros.view.browser.web_site import Address, Site

    opened = []

    def page(folder):
        run = RunFolder(folder)
        site = Site('run', Address(port=0)).__enter__()
        opened.append(site)
        libraries = {
            'training': Library(bags_in(run.bags)),
            'evaluations': Library(bags_in(run.evaluation)),
        }
        return EpisodesView(site, libraries, run, is_dark=False)

    yield page
    for site in opened:
        site.__exit__()


def test_the_newest_episode_is_played_and_says_why_it_missed(recorded_run, open_page, wait):
    view = open_page(recorded_run)
    wait(lambda: view.run(0.1) or (view._entry and view._playback.step), 'it plays')
    assert view._entry.number == 8
    assert 'cm to the goal' in view._status.content
    assert 'The actions were random' in view._status.content
    assert 'Episode 8 of FetchReach' in view._status.content
    assert len(view._charts._distance.data) == 4
    # With values down to -20, the label of 0 is not cut off at the top.
    task = view._entry.task
    view._charts.show(view._episode, task, np.full(len(view._episode), -20.0))
    low, high = view._charts._reward.scales['y']['range']
    assert low < -20.0
    assert high > 0.15 * (high - low)


def test_new_bags_of_a_running_training_raise_the_count(recorded_run, open_page):
    view = open_page(recorded_run)
    view.run(0.2)
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    shutil.copy(bag, bag.with_name('zzz.mcap'))
    view.run(2.5)
    assert view._list._head.content.startswith('**16 episodes**')
    assert view._entry.number == 8  # what somebody looks at stays


def test_scrubbing_where_there_is_no_episode_shows_nothing(recorded_run, open_page, ask, wait):
    view = open_page(recorded_run)
    ask(view._playback._step, 1)
    wait(lambda: view.run(0.1) or view._entry, 'an episode')
    ask(view._source, 'evaluations')
    ask(view._playback._step, 1)
    view.run(0.1)
    assert view._list._head.content == 'No episode yet.'


def test_a_task_without_a_scene_shows_its_curves(recorded_run, open_page, wait, monkeypatch):
    def no_arm(task):
        raise HerRosError(f'the arm of {task.name} is not described here')

    monkeypatch.setattr(stage, 'ViewScene', no_arm)
    view = open_page(recorded_run)
    wait(lambda: view.run(0.1) or view._entry, 'an episode')
    assert 'the arm of FetchReach is not described here' in view._status.content
    assert len(view._charts._distance.data) == 4
    for chart in (view._charts._distance, view._charts._reward, view._charts._action):
        assert chart.scales['x']['range'] == [0, 50]  # a page would keep that of its first data


def test_without_torch_the_view_of_the_learner_says_so(recorded_run, open_page, wait, monkeypatch):
    view = open_page(recorded_run)
    wait(lambda: view.run(0.1) or view._entry, 'an episode')
    monkeypatch.setitem(sys.modules, 'her_ros.view.browser.learner_analysis', None)
    view._learner._box.value = True
    view.run(0.1)
    assert view._learner._note.content.startswith('Not shown: ')
    assert 'Episode' in view._status.content


def test_an_episode_that_cannot_be_read_is_tried_once(recorded_run, open_page, monkeypatch):
    view, tried = open_page(recorded_run), []

    def search(entry):
        tried.append(entry.number)
        raise HerRosError('is damaged')
        yield

    monkeypatch.setattr(view._library, 'search', search)
    view.run(0.5)
    assert tried == [8]
    assert 'is damaged' in view._status.content


def test_an_episode_far_into_a_bag_is_read_while_the_page_goes_on(
    recorded_run, open_page, wait, monkeypatch
):
    from her_ros.view.browser import episodes_view

    view = open_page(recorded_run)
    wait(lambda: view.run(0.1) or view._entry, 'an episode')
    view._library._kept.clear()
    monkeypatch.setattr(episodes_view, '_READ_S', 0.0)
    view._choose(view._library.entries[3])
    assert 'reading …' in view._status.content
    wait(lambda: view.run(0.1) or view._entry.number == 4, 'the episode')


def test_a_run_without_an_episode_waits_for_one(recorded_run, tmp_path, open_page):
    view = open_page(tmp_path / 'new')
    view.run(0.2)
    assert view._list._head.content == 'No episode yet.'
    shutil.copytree(recorded_run / 'bags', tmp_path / 'new' / 'bags')
    view.run(1.5)
    assert view._entry.number == 8


def test_the_view_of_the_learner_shows_goals_and_says_what_it_lacks(recorded_run, open_page):
    view = open_page(recorded_run)
    view.run(0.3)
    view._learner._box.value = True
    view.run(0.1)
    assert view._hindsight.shape == (40, 50, 3)
    assert view._learner._note.content.startswith('Q is not shown: ')
    assert 'has no checkpoint' in view._learner._note.content
    view._learner._box.value = False
    view.run(0.1)
    assert view._hindsight is None
