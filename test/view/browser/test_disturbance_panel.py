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

from her_ros.tasks.disturbances import SETS
from her_ros.tasks.registry import task_named
from her_ros.view.browser.callback_queue import CallbackQueue
import pytest


@pytest.fixture
def panel(empty_site):
    from her_ros.view.browser.disturbance_panel import DisturbancePanel

    callbacks, asked = CallbackQueue(), []
    task = task_named('FetchPush')
    panel = DisturbancePanel(empty_site.server.gui, callbacks, task, asked.append)
    panel.callbacks, panel.asked = callbacks, asked
    return panel


def test_a_set_moves_the_sliders_of_its_disturbances(panel, ask):
    ask(panel._set, 'robot')
    panel.callbacks.run()
    (strengths,) = panel.asked
    assert {name for name, value in strengths.items() if value} == {*SETS['robot']}
    ask(panel._set, 'none')
    panel.callbacks.run()
    assert not any(panel.asked[-1].values())


def test_a_slider_alone_is_a_set_of_ones_own(panel, ask):
    ask(panel._sliders['mass_scale'], 2.0)
    panel.callbacks.run()
    assert panel._set.value == 'as set below'
    assert panel.asked[-1]['mass_scale'] == 2.0
    ask(panel._set, 'as set below')
    panel.callbacks.run()
    assert len(panel.asked) == 1
