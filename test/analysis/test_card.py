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

import json
from pathlib import Path

from her_ros.analysis.card import card_text
from her_ros.runtime.run_folder import RunFolder
import pytest


@pytest.mark.parametrize(
    ('arm', 'trained', 'evaluated'),
    [
        ({}, '', ''),
        ({'arm': 'six_joint'}, ' --arm six_joint', ''),
        # Of an arm that does not come with the package, readers need the description.
        ({'arm': 'mine'}, ' --arm mine.yaml', ' --arm mine.yaml'),
    ],
)
@pytest.mark.parametrize(
    ('section', 'said'),
    [
        ('trainer:\n  ros__parameters:\n    seed: 3\n', 'are the first of them'),
        ('evaluator:\n  ros__parameters:\n    disturb: robot\n', 'were disturbed by `robot`'),
    ],
)
def test_a_card_tells_how_its_version_was_chosen(tmp_path, section, said, arm, trained, evaluated):
    folder = RunFolder(tmp_path)
    folder.params.write_text(f'/**/{section}')
    result = {'task': 'FetchPush', 'outcome': 'solved', 'evaluations': []}
    numbers = ('success_rate', 'env_steps', 'updates', 'wall_s', 'seed', 'episodes')
    result |= dict.fromkeys((*numbers, 'best_success_rate'), 1)
    folder.result.write_text(json.dumps(result))
    text = card_text(folder, result, {'episodes': '1,000', **arm}, Path('policy.onnx'))
    assert f'by `her-ros train --task FetchPush{trained}` with the parameters' in text
    assert f'by which this version was chosen, {said}. This shows' in text
    assert f'evaluate policy.onnx --episodes 1,000{evaluated}\n' in text
