from campaign import signals
from campaign.figures import Scale
import pytest


@pytest.mark.nodes
@pytest.mark.real_time
def test_every_signal_stops_a_deployment_at_zero_and_leaves_nothing(graph, tmp_path):
    # ``graph`` gives the commands a ROS domain of their own
    figures = signals.run(Scale.SMALL, tmp_path)
    assert [figure for figure in figures if not figure.passed] == []
