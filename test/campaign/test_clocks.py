from campaign import clocks
from campaign.figures import Scale
from campaign.stepped_clock import ClockError, SteppedClocks
import pytest

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]


def test_a_clock_set_back_in_an_episode_stops_the_robot_until_it_is_right_again(tmp_path):
    try:
        SteppedClocks(tmp_path / 'probe')
    except ClockError as error:
        pytest.skip(str(error))
    failed = [figure for figure in clocks.run(Scale.SMALL, tmp_path) if not figure.passed]
    assert not failed
