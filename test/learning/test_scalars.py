import os

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from her_ros.learning.scalars import ScalarError, ScalarLog


def test_values_are_written_and_nothing_before_there_is_one(tmp_path):
    ScalarLog(tmp_path).close()
    assert os.listdir(tmp_path) == []
    log = ScalarLog(tmp_path)
    for step in range(3):
        log.add('success', step / 2, 10 * step)
    log.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars('success')] == [(0, 0), (10, 0.5), (20, 1)]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ScalarError, match=f'{tmp_path}/file: cannot be written'):
        ScalarLog(tmp_path / 'file').add('success', 0.5, 1)
