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

from her_ros.wire.sessions import Sessions
import numpy as np
import pytest


class World:
    """A topic's publishers and a clock, set by hand."""

    def __init__(self):
        self.now = 100.0
        self.has_left = False
        self.noted = 0
        self.sessions = Sessions(self, lambda: self.now)

    def remember(self):
        self.noted += 1

    def left(self):
        return self.has_left

    def hears(self, session, count=1, every_s=0.04):
        """Return what is admitted of a session's messages."""
        admitted = []
        for _ in range(count):
            self.now += every_s
            admitted.append(self.sessions.admits(session))
        return admitted


@pytest.fixture
def world():
    return World()


def test_a_message_is_heard_without_rows_of_other_sessions(world, make_episode_rows):
    own, foreign = make_episode_rows(3, session=7), make_episode_rows(3, session=8)
    assert (world.sessions.heard(own) == own).all()
    assert not len(world.sessions.heard(foreign))
    assert world.sessions.refused == 1
    assert (world.sessions.heard(np.concatenate([own, foreign])) == own).all()
    assert not len(world.sessions.heard(own[:0]))
    assert world.sessions.refused == 1


def test_the_first_session_stays_while_another_one_sends(world):
    for _ in range(1000):
        assert world.hears(7) == [True]
        assert world.hears(8) == [False]
    assert world.sessions.refused == 1000
    assert world.noted == 1


def test_a_session_that_is_silent_keeps_its_place_while_its_publisher_is_there(world):
    world.hears(7, 10)
    assert not any(world.hears(8, 1000))  # 40 s
    assert world.hears(7, 3) == [True] * 3


@pytest.mark.parametrize('messages', [1, 9, 10, 1000])
def test_a_restarted_environment_is_admitted_within_a_second(world, messages):
    world.hears(7, messages)
    world.has_left = True
    admitted = world.hears(8, 25)
    assert not admitted[0]
    assert all(admitted[20:])
    # late messages of the one before
    assert world.hears(7, 3) == [False] * 3
    assert world.hears(8) == [True]
    assert world.noted == 2


def test_a_few_stray_messages_make_no_claim(world):
    world.hears(666, 9)
    assert world.hears(7, 25)[-1]
    assert world.hears(666) == [False]


def test_without_knowledge_of_the_publishers_silence_decides(world):
    world.has_left = None
    world.hears(7, 10)
    admitted = world.hears(8, 150)  # 6 s
    assert not any(admitted[:120])
    assert admitted[-1]


def test_publishers_are_not_listed_for_every_refused_message(world):
    asked = []
    world.left = lambda: asked.append(world.now) or False
    world.hears(7, 10)
    world.hears(8, 10_000, every_s=0.001)
    assert len(asked) <= 10_000 * 0.001 / 0.2 + 1
