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

from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

MODEL = Path(__file__).parents[3] / 'models/FetchPush/policy.onnx'


@pytest.fixture
def view(empty_site):
    from her_ros.view.browser.policy_view import PolicyView

    return PolicyView(empty_site, OnnxPolicy.load(MODEL), task_named('FetchPush'), is_dark=False)


def test_the_policy_acts_and_the_page_says_how_far_it_is(view, wait):
    wait(lambda: view.run(0.1) or view._player.step > 3, 'some steps')
    assert 'start 1, ' in view._status.content
    assert 'reached so far: 0 of 0' in view._status.content
    np.testing.assert_allclose(view._goal.value, view._player.goal, atol=1e-3)


def test_a_typed_goal_is_pursued_and_kept_if_that_is_wanted(view, ask):
    ask(view._keep, True)
    ask(view._goal, (1.3, 0.7, 0.425))
    view.run(0.1)
    np.testing.assert_array_equal(view._player.goal, [1.3, 0.7, 0.425])
    np.testing.assert_array_equal(view._gizmo.position, [1.3, 0.7, 0.425])
    view._next()
    np.testing.assert_array_equal(view._player.goal, [1.3, 0.7, 0.425])
    ask(view._keep, False)
    view.run(0.1)
    view._next()
    assert not np.array_equal(view._player.goal, [1.3, 0.7, 0.425])


def test_a_dragged_goal_stays_where_tasks_have_theirs(view, ask):
    view._gizmo.position = (9.0, 0.7, -1.0)
    view._drag()
    np.testing.assert_array_equal(view._player.goal, [2.2, 0.7, 0.4])


def test_an_episode_that_ended_is_counted_and_the_next_begins(view):
    view._speed.value = 2.0
    while not view._player.is_over:
        view._advance()
    assert 'of 1' in view._status.content
    view._end_at = 0.0
    view._advance()
    assert view._player.number == 1
