from campaign.events import run
from campaign.figures import Scale
import pytest


@pytest.mark.nodes
def test_a_run_survives_random_events_and_learns_from_each_episode_once(tmp_path):
    failed = [figure for figure in run(Scale.SMALL, tmp_path) if not figure.passed]
    assert not failed
