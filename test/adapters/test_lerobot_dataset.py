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

"""Round trips through LeRobot's own API, where it is installed."""

from her_ros.adapters.episode_columns import DatasetError
from her_ros.adapters.lerobot_dataset import read_lerobot, write_lerobot
from her_ros.bags.stream import read_episodes
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import disturbed_step_dtype, with_truth
import numpy as np
import pytest

pytest.importorskip('lerobot', reason='pip install lerobot==0.4.4')

REACH = task_named('FetchReach')


def test_episodes_come_back_but_for_the_precision_of_observations(recorded_run, tmp_path):
    recorded = [*read_episodes(recorded_run)]
    assert write_lerobot(tmp_path / 'out', REACH, recorded) == 8
    back = [*read_lerobot(tmp_path / 'out', REACH)]
    assert len(back) == 8
    for first, second in zip(recorded, back, strict=True):
        for name in first.rows.dtype.names:
            kind = np.float32 if name == 'observation' else first.rows[name].dtype
            np.testing.assert_array_equal(first.rows[name].astype(kind), second.rows[name])


def test_disturbed_episodes_are_refused(recorded_run, tmp_path):
    (episode, *_) = read_episodes(recorded_run)
    object.__setattr__(episode, 'rows', with_truth(episode.rows, disturbed_step_dtype(REACH)))
    with pytest.raises(DatasetError, match='no place for the truth; export it to minari'):
        write_lerobot(tmp_path / 'out', REACH, [episode])
