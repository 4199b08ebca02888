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

import os

from her_ros.learning.training.scalars import ScalarError, ScalarLog, SUCCESS_RATE
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


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


def test_hyperparameters_are_there_once_and_lists_are_text(tmp_path):
    log = ScalarLog(tmp_path, {'agent': 'ddpg', 'k': 4, 'tau': 0.5, 'on': True, 'sizes': (8, 8)})
    log.add(SUCCESS_RATE, 0.5, 1)
    log.add(SUCCESS_RATE, 1.0, 2)
    log.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    contents = events.PluginTagToContent('hparams')
    (start,) = (
        HParamsPluginData.FromString(each).session_start_info
        for name, each in contents.items()
        if name.endswith('session_start_info')
    )
    found = {name: value.WhichOneof('kind') for name, value in start.hparams.items()}
    kinds = {'k': 'number_value', 'tau': 'number_value', 'on': 'number_value'}
    assert found == {'agent': 'string_value', 'sizes': 'string_value', **kinds}
    assert start.hparams['sizes'].string_value == '(8, 8)'
    assert [event.value for event in events.Scalars(SUCCESS_RATE)] == [0.5, 1.0]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ScalarError, match=f'{tmp_path}/file: cannot be written'):
        ScalarLog(tmp_path / 'file').add('success', 0.5, 1)
