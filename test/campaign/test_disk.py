from campaign import disk
from campaign.figures import Scale
import pytest


def test_a_full_or_read_only_disk_loses_nothing_and_is_one_line(tmp_path):
    figures = disk.run(Scale.SMALL, tmp_path)
    if figures[0].key == 'disk_skipped':
        pytest.skip('no tmpfs may be mounted')
    assert [figure for figure in figures if not figure.passed] == []
    values = {figure.key: figure.value for figure in figures}
    assert values['disk_refused'] > values['disk_files']
