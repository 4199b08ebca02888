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

from types import SimpleNamespace

from her_ros.view.browser.callback_queue import CallbackQueue
import numpy as np
import pytest


@pytest.fixture
def marker(empty_site):
    from her_ros.view.browser.goal_marker import GoalMarker

    callbacks, sent = CallbackQueue(), []
    marker = GoalMarker(empty_site.server, callbacks, sent.append)
    marker.callbacks, marker.sent = callbacks, sent
    marker.add_to_scene()
    marker.begin(np.array([1.0, 0.7, 0.5]))
    return marker


def click(marker, direction):
    marker._click(
        SimpleNamespace(client='a person', ray_origin=(1.0, 0.5, 1.5), ray_direction=direction)
    )
    marker.callbacks.run()


def test_it_starts_at_the_goal_that_is_pursued_and_then_stays(marker):
    marker.begin(np.zeros(3))
    assert marker.goal == (1.0, 0.7, 0.5)
    np.testing.assert_array_equal(marker.gizmo.position, marker.goal)


def test_no_goal_is_sent_before_one_was_chosen(marker):
    assert not marker._button.disabled
    marker.add_to_scene()  # of another task
    assert marker._button.disabled
    click(marker, (0.3, 0.1, -1.0))
    assert not marker._button.disabled


def test_a_new_scene_takes_each_click_once(marker, monkeypatch):
    for _ in range(2):
        marker._scene.reset()
        marker.add_to_scene()
    registered = marker._scene._scene_pointer_cb
    assert len(registered) == 1


def test_a_click_chooses_the_point_at_the_height_of_the_goal(marker):
    click(marker, (0.3, 0.1, -1.0))
    assert marker.goal == (1.3, 0.6, 0.5)
    click(marker, (1.0, 0.0, 0.0))  # into the sky
    assert marker.goal == (1.3, 0.6, 0.5)
    assert not marker.sent


def test_numbers_and_arrows_follow_each_other(marker, ask):
    ask(marker._goal, (1.2, 0.8, 0.6))
    marker.callbacks.run()
    np.testing.assert_array_equal(marker.gizmo.position, [1.2, 0.8, 0.6])
    marker.gizmo.position = (1.1, 0.9, 0.7)
    marker._drag()
    assert marker.goal == (1.1, 0.9, 0.7)
