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
from types import SimpleNamespace

from her_ros.tasks.registry import task_named
from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.episode_list import EpisodeList, label, ROWS
from her_ros.view.browser.library import Entry, Key
import pytest

viser = pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")


def entry(number):
    """Every third episode reached its goal; others missed it by their number of centimetres."""
    reached = number % 3 == 0
    outcome = 'reached' if reached else f'missed by {number}.0 cm'
    task = task_named('FetchReach')
    key = Key('/step', 1, 0, number)
    return Entry(number, Path('a.mcap'), key, task, 50, reached, -50.0, '7', outcome, number / 100)


@pytest.fixture
def page():
    from her_ros.view.browser.web_site import Address, Site

    with Site('list', Address(port=0)) as site:
        callbacks, chosen = CallbackQueue(), []
        shown = EpisodeList(site.server.gui, callbacks, chosen.append)
        shown.show([entry(i) for i in range(1, 31)])
        yield SimpleNamespace(list=shown, callbacks=callbacks, chosen=chosen)


def numbers(page):
    page.callbacks.run()
    return [int(row.label.split()[1]) for row in page.list._rows if row.visible]


def test_an_episode_in_a_line():
    assert label(entry(3)) == '✓ 3  reached  ·  return −50  ·  v7'
    assert label(entry(4)).startswith('✗ 4  missed by 4.0 cm')


def test_the_newest_come_first_and_others_on_further_pages(page):
    assert numbers(page) == [*range(30, 22, -1)]
    for expected in (range(22, 14, -1), range(14, 6, -1), range(6, 0, -1), range(6, 0, -1)):
        page.list._pages.value = '↓'
        assert numbers(page) == [*expected]
    page.list._pages.value = '↑'
    assert numbers(page) == [*range(14, 6, -1)]


def test_the_reason_of_the_chosen_episode_stands_below_the_rows(page):
    assert not page.list._reason.visible
    page.list.mark(entry(4), 'It fell at step 7.')
    assert page.list._reason.visible
    assert page.list._reason.content == '**Episode 4, missed by 4.0 cm.** It fell at step 7.'
    rows = [row.order for row in page.list._rows]
    assert max(rows) < page.list._reason.order < page.list._pages.order


def test_missed_ones_alone_in_the_order_of_their_distance(page):
    page.list._filter.value = 'missed'
    page.list._order.value = 'farthest from its goal first'
    assert numbers(page) == [29, 28, 26, 25, 23, 22, 20, 19]
    assert '**30 episodes**, 10 reached (33%)' in page.list._head.content
    assert '1–8 of 20' in page.list._head.content
    page.list._filter.value = 'reached'
    assert len(numbers(page)) == ROWS
    page.list.show([entry(1)])
    assert numbers(page) == []
    assert 'shown: none' in page.list._head.content


def test_without_an_episode_it_says_so(page):
    page.list.show([])
    assert page.list._head.content == 'No episode yet.'
    assert numbers(page) == []
