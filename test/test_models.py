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
import re

from her_ros.analysis.evaluate import evaluated
from her_ros.analysis.results import wilson_interval
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.policy.onnx_policy import OnnxPolicy
import pytest

MODELS = sorted(Path(__file__).parent.parent.glob('models/*/policy.onnx'))
EPISODES = 200


def test_there_are_models():
    assert MODELS


@pytest.mark.parametrize('model', MODELS, ids=lambda path: path.parent.name)
def test_a_shipped_model_is_what_its_card_says(model, request):
    # A folder may name what the policy was trained for behind its task.
    task = model.parent.name.partition('_')[0]
    policy, card = OnnxPolicy.load(model), (model.parent / 'README.md').read_text()
    if policy.contract.arm:
        request.getfixturevalue('menagerie')
    assert f'`{policy.sha256}`' in card
    assert f'| task | {task} |' in card
    assert policy.contract.task == task
    (success,) = re.findall(r'^\| success \| ([\d.]+) ', card, re.MULTILINE)
    found = float(
        evaluated(policy, EvaluationProtocol(EPISODES, threads=1)).results['success'].split()[0]
    )
    # Within an interval that a fair sample leaves once in 1,000 times; evaluating as often as
    # the card did shows the same figure.
    low, high = wilson_interval(round(found * EPISODES), EPISODES, z=3.3)
    assert low - 1e-9 <= float(success) <= high + 1e-9
