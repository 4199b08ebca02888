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

from pathlib import Path

from her_ros.config.shipped import shipped
from her_ros.learning.training.warm_start import WarmStartError
from her_ros.orchestration.prepare import start_override
from her_ros.orchestration.train_offline import train_offline, TrainOfflineOptions
import pytest


@pytest.fixture
def options(tmp_path):
    """Learn FetchReach from an unreadable bag, starting from the policy of FetchPush."""
    bag = tmp_path / 'a.mcap'
    bag.touch()
    start = start_override(shipped(Path('models', 'FetchPush', 'policy.onnx'), ''))
    overrides = [*start, 'trainer.device=cpu']
    out = tmp_path / 'out'
    return TrainOfflineOptions([bag], 'FetchReach', '', out, 10, None, overrides, False)


def test_a_policy_that_does_not_fit_is_refused_before_bags_are_read(options):
    with pytest.raises(WarmStartError, match='made for FetchPush'):
        train_offline(options)
    assert not options.out.exists()
