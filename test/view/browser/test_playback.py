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

from her_ros.view.browser.callback_queue import CallbackQueue
import pytest


@pytest.fixture
def playback(empty_site):
    from her_ros.view.browser.playback import Playback

    shown, callbacks = [], CallbackQueue()
    playback = Playback(empty_site.server.gui, callbacks, lambda: shown.append(playback.step))
    playback.callbacks, playback.shown = callbacks, shown
    playback.begin(3)
    return playback


def test_it_plays_to_the_end_and_again_from_the_start(playback, ask):
    for _ in range(5):
        playback.advance()
    assert playback.shown == [1, 2, 3]
    assert (playback.step, playback.is_playing) == (3, True)
    ask(playback._play)
    playback.callbacks.run()
    assert (playback.step, playback.is_playing) == (0, True)


def test_a_step_of_a_longer_episode_that_was_shown_before_is_its_last(playback, ask):
    playback._step.max = 50
    ask(playback._step, 40)
    playback.callbacks.run()
    assert playback.shown == [3]


def test_without_an_episode_scrubbing_shows_nothing(playback, ask):
    playback.end()
    ask(playback._step, 1)
    playback.callbacks.run()
    assert playback.shown == []


def test_a_person_who_scrubs_stops_it(playback, ask):
    ask(playback._step, 2)
    playback.callbacks.run()
    playback.advance()
    assert playback.shown == [2]
    assert playback._play.label == 'Play'
    ask(playback._play)
    playback.callbacks.run()
    playback.advance()
    assert playback.shown == [2, 3]
    assert playback._play.label == 'Pause'


def test_a_step_that_is_typed_while_it_plays_is_told_to_the_page_again(playback, ask, monkeypatch):
    # A tick that was on its way when the step was typed would stay on the page.
    from her_ros.view.browser import playback as module

    monkeypatch.setattr(module, '_REST_S', 0.0)
    told = []
    server = playback._step._impl.gui_api._websock_interface
    monkeypatch.setattr(server, 'queue_message', lambda message: told.append(message))
    for step in (2, 0):
        ask(playback._step, step)
        playback.callbacks.run()
        told.clear()
        playback.advance()
        assert told[-1].updates == {'value': step}
        assert (playback.step, playback.is_playing) == (step, False)
        told.clear()
        playback.advance()
        assert not told
