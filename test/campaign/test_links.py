from campaign.figures import Scale
from campaign.links import run, why_not_permitted
import pytest


@pytest.mark.nodes
@pytest.mark.real_time
def test_a_lost_link_stops_the_robot_and_a_new_goal_is_reached_after_it(tmp_path):
    if reason := why_not_permitted():
        pytest.skip(f'network namespaces: {reason}')
    figures = run(Scale.SMALL, tmp_path)
    assert len(figures) > 1
    assert [figure for figure in figures if not figure.passed] == []
