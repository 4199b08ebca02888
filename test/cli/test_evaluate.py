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

from dataclasses import replace
import re
from types import SimpleNamespace

from her_ros.analysis.evaluate import evaluated, evaluated_task, OnTask
from her_ros.analysis.results import wilson_interval
from her_ros.arms.registry import with_workspace
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.splitting import split_rollout
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.contract import ContractError, PolicyContract
import numpy as np
import pytest


@pytest.fixture
def model(tmp_path, export_policy):
    # a folder whose name looks like markup
    path = tmp_path / 'models [' / 'bold]' / 'policy.onnx'
    path.parent.mkdir(parents=True)
    path.write_bytes(export_policy(version=12))
    return path


def test_what_is_printed_is_what_the_episodes_say(her_ros, model):
    ended = her_ros('evaluate', model, '--episodes', 7, '--num-envs', 3, '--threads', 1)
    assert ended.status == 0
    task, policy = TASKS['FetchReach'], OnnxPolicy.load(model)
    episodes, _ = split_rollout(
        list(evaluation_steps(task, policy.act, 12, EvaluationProtocol(7, 7, 1)))
    )
    mean_return = np.mean([e.reward.sum() for e in episodes])
    success = np.mean([e.is_success for e in episodes])
    for row in (
        'task +│ FetchReach', 'policy version +│ 12', 'episodes +│ 7',
        f'success +│ {success:.3f} ', f'mean return +│ {mean_return:.2f}',
        'solved before the first action +│ [0-7]',
    ):  # fmt: skip
        assert re.search(row, ended.output), row


def test_the_file_is_named_as_it_is(her_ros, model):
    output = her_ros('evaluate', model, '--episodes', 1).output
    assert str(model) in re.sub(r'\s', '', output).replace('models[', 'models [')


@pytest.mark.parametrize('kind', ['missing', 'damaged', 'empty', 'a folder', 'no policy'])
def test_a_file_that_is_no_policy_is_one_line_and_status_1(her_ros, tmp_path, model, kind):
    path = tmp_path / 'it.onnx'
    if kind == 'damaged':
        content = bytearray(model.read_bytes())
        content[40:400] = bytes(360)
        path.write_bytes(content)
    elif kind == 'a folder':
        path.mkdir()
    elif kind != 'missing':
        path.write_bytes(b'' if kind == 'empty' else b'no policy')
    ended = her_ros('evaluate', path)
    assert ended.status == 1
    assert not ended.output
    (line,) = ended.errors.splitlines()
    assert line.startswith(f'her-ros: {path}: ')


@pytest.mark.parametrize(('successes', 'trials'), [(0, 10), (8, 10), (10, 10), (95, 100), (1, 2)])
def test_interval_is_where_the_score_test_does_not_reject(successes, trials):
    # Wilson 1927: the rates p with |successes / n - p| ≤ z √(p (1 - p) / n)
    low, high = wilson_interval(successes, trials)
    rate = successes / trials
    assert -1e-12 <= low <= rate <= high <= 1 + 1e-12
    for edge, trivial in ((low, 0.0), (high, 1.0)):
        if rate != trivial:
            distance = 1.96 * np.sqrt(edge * (1 - edge) / trials)
            np.testing.assert_allclose(abs(rate - edge), distance, atol=1e-9)


def test_a_policy_of_the_fetch_is_evaluated_on_another_arm_if_that_is_accepted(model):
    policy, protocol = OnnxPolicy.load(model), EvaluationProtocol(3, 3, 1)
    with pytest.raises(ContractError, match=r'^the policy was trained on the Fetch, not on arm'):
        evaluated(policy, protocol, OnTask('Reach', 'six_joint'))
    found = evaluated(policy, protocol, OnTask('Reach', 'six_joint', accept_arm=True)).results
    assert (found['task'], found['arm']) == ('Reach', 'six_joint')
    assert found['trained on'] == 'the Fetch'


def test_a_policy_of_another_workspace_of_the_arm_is_evaluated_if_that_is_accepted():
    here = with_workspace(task_named('Reach', 'six_joint'))
    trained = replace(here, workspace=(*here.workspace[:-1], -0.1))
    policy = SimpleNamespace(contract=PolicyContract.of(trained, 1, {}))
    with pytest.raises(ContractError, match=r'an arm six_joint with another workspace: .*-0\.1\]'):
        evaluated_task(policy)
    assert evaluated_task(policy, OnTask(accept_arm=True)) == here
