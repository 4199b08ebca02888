import pytest

from her_ros.view.browser.inbox import Inbox


@pytest.fixture
def playback(empty_site):
    from her_ros.view.browser.playback import Playback

    shown, inbox = [], Inbox()
    playback = Playback(empty_site.server.gui, inbox, lambda: shown.append(playback.step))
    playback.inbox, playback.shown = inbox, shown
    playback.begin(3)
    return playback


def test_it_plays_to_the_end_and_again_from_the_start(playback, ask):
    for _ in range(5):
        playback.advance()
    assert playback.shown == [1, 2, 3]
    assert (playback.step, playback.is_playing) == (3, True)
    ask(playback._play)
    playback.inbox.empty()
    assert (playback.step, playback.is_playing) == (0, True)


def test_a_step_of_a_longer_episode_that_was_shown_before_is_its_last(playback, ask):
    playback._step.max = 50
    ask(playback._step, 40)
    playback.inbox.empty()
    assert playback.shown == [3]


def test_without_an_episode_scrubbing_shows_nothing(playback, ask):
    playback.end()
    ask(playback._step, 1)
    playback.inbox.empty()
    assert playback.shown == []


def test_a_person_who_scrubs_stops_it(playback, ask):
    ask(playback._step, 2)
    playback.inbox.empty()
    playback.advance()
    assert playback.shown == [2]
    assert playback._play.label == 'Play'
    ask(playback._play)
    playback.inbox.empty()
    playback.advance()
    assert playback.shown == [2, 3]
    assert playback._play.label == 'Pause'
