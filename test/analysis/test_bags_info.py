from her_ros.analysis.bags_info import _duration
import pytest


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0.0, '0.0 s'),
        (4.54, '4.5 s'),
        (59.96, '1 min 00 s'),
        (61.4, '1 min 01 s'),
        (3599.7, '1 h 00 min'),
        (7384.0, '2 h 03 min'),
        (4.5e6, '1,250 h 00 min'),
    ],
)
def test_durations_name_their_units(seconds, text):
    assert _duration(seconds) == text
