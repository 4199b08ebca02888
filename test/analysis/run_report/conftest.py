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

"""A run as a report sees it: parameters, rollouts, one evaluation and its result."""

import json
from pathlib import Path
import shutil

from her_ros.orchestration.prepare import prepare_run
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
import pytest

CHANGED = ('trainer.batch_size=192', 'trainer.her.k=6', 'trainer.hidden_sizes=[16, 16]')


@pytest.fixture
def finished_run(tmp_path: Path, recorded: Path) -> RunFolder:
    """Return a finished run whose best policy was evaluated by four random episodes."""
    run = prepare_run('FetchReach', tmp_path / 'runs', overrides=(*CHANGED, 'seed=7')).folder
    for bag in recorded.iterdir():
        shutil.copy(bag, run.bags)
    run.policy.write_bytes(b'weights')
    digest = sha256(b'weights')
    shutil.copy(recorded / 'b10.mcap', run.evaluation_bag(2, digest))
    evaluations = [
        {
            'version': version, 'sha256': own, 'env_steps': 300 * version, 'updates': version,
            'wall_s': 2.0 * version, 'episodes': 4, 'success_rate': rate, 'solved_at_reset': 0.0,
        }
        for version, own, rate in ((1, 'f' * 64, 0.0), (2, digest, 0.25))
    ]  # fmt: skip
    result = {
        'task': 'FetchReach', 'outcome': 'limit', 'success_rate': 0.25, 'best_success_rate': 0.25,
        'env_steps': 600, 'episodes': 12, 'updates': 2, 'wall_s': 5.0, 'seed': 7,
        'evaluations': evaluations,
    }  # fmt: skip
    run.result.write_text(json.dumps(result))
    return run
