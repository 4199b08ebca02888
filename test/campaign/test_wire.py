from campaign.figures import Scale
from campaign.wire import run
import pytest

pytestmark = pytest.mark.nodes


def test_fuzzed_inputs_end_nothing(tmp_path):
    failed = [figure for figure in run(Scale.SMALL, tmp_path) if not figure.passed]
    assert not failed
