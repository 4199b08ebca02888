import pytest

from her_ros.tasks.disturbances import SETS
from her_ros.tasks.registry import task_named
from her_ros.view.browser.inbox import Inbox


@pytest.fixture
def panel(empty_site):
    from her_ros.view.browser.disturbance_panel import DisturbancePanel

    inbox, asked = Inbox(), []
    task = task_named('FetchPush')
    panel = DisturbancePanel(empty_site.server.gui, inbox, task, asked.append)
    panel.inbox, panel.asked = inbox, asked
    return panel


def test_a_set_moves_the_sliders_of_its_disturbances(panel, ask):
    ask(panel._set, 'robot')
    panel.inbox.empty()
    (strengths,) = panel.asked
    assert {name for name, value in strengths.items() if value} == {*SETS['robot']}
    ask(panel._set, 'none')
    panel.inbox.empty()
    assert not any(panel.asked[-1].values())


def test_a_slider_alone_is_a_set_of_ones_own(panel, ask):
    ask(panel._sliders['mass_scale'], 2.0)
    panel.inbox.empty()
    assert panel._set.value == 'as set below'
    assert panel.asked[-1]['mass_scale'] == 2.0
    ask(panel._set, 'as set below')
    panel.inbox.empty()
    assert len(panel.asked) == 1
