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
import re
import shutil

from her_ros.analysis.card import bags_digest
from her_ros.arms.registry import with_workspace
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.shipped import shipped
from her_ros.learning.learner import Learner
from her_ros.learning.training.checkpoint import save_checkpoint
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder
from her_ros.sim.errors import SimError
from her_ros.tasks.registry import task_named
import pytest

LOG = [['b.mcap', 'ab' * 32], ['a.mcap', 'cd' * 32]]


@pytest.fixture
def run(tmp_path, export_policy):
    """Return a finished run whose second evaluation was its best."""
    folder = RunFolder(tmp_path / 'run_001')
    folder.create()
    folder.policy.write_bytes(export_policy(version=12))
    folder.params.write_text('/**/trainer:\n  ros__parameters:\n    future_goals: 8\n')
    best = OnnxPolicy.load(folder.policy).sha256
    evaluations = [
        {
            'sha256': digest, 'env_steps': 1000 * i, 'updates': 400 * i, 'wall_s': 3.3 * i,
            'episodes': 100, 'success_rate': 0.5,
        }
        for i, digest in enumerate(('0' * 64, best, 'f' * 64), 1)
    ]  # fmt: skip
    result = {
        'task': 'FetchReach', 'outcome': 'solved', 'success_rate': 0.5, 'best_success_rate': 0.5,
        'env_steps': 3456, 'episodes': 69, 'updates': 1200, 'wall_s': 77.7, 'seed': 5,
        'evaluations': evaluations,
    }  # fmt: skip
    folder.result.write_text(json.dumps(result))
    save_checkpoint(folder.checkpoint, {'log': LOG})
    return folder


def test_evaluating_the_policy_of_a_card_reproduces_its_figures(her_ros, run, tmp_path):
    out = tmp_path / 'models' / 'FetchReach'
    ended = her_ros('card', run.path, '--out', out, '--episodes', 20, '--threads', 1)
    assert ended.status == 0, ended.errors
    assert (out / 'policy.onnx').read_bytes() == run.policy.read_bytes()
    card = (out / 'README.md').read_text()
    cells = (line.strip('| ').split(' | ', 1) for line in card.splitlines())
    rows = {each[0]: each[1] for each in cells if len(each) == 2}
    again = her_ros('evaluate', out / 'policy.onnx', '--episodes', 20, '--threads', 1).output
    for name in ('task', 'episodes', 'success', 'mean return'):
        assert re.search(rf'{name} +│ {re.escape(rows[name])} ', again), name
    assert rows['env steps'] == '2,000 (the whole run: 3,456)'
    assert rows['wall clock'] == '7 s (the whole run, evaluations included: 78 s)'
    assert rows['seed'] == '5'
    assert bags_digest(LOG) in rows['SHA-256 of its bags']
    assert sha256(run.policy.read_bytes()) in rows['SHA-256 of policy.onnx']
    # Under its present name, so that the parameters can be used again.
    assert '/**/trainer:\n  ros__parameters:\n    her:\n      k: 8\n' in card


def test_a_card_shows_the_episodes_in_motion_if_asked(her_ros, run, tmp_path, monkeypatch):
    filmed = []

    def write_film(policy, task, episodes, path):
        filmed.append((policy.sha256, task.name, episodes))
        path.write_bytes(b'pictures')

    monkeypatch.setattr('her_ros.analysis.film.write_film', write_film)
    monkeypatch.setattr('her_ros.analysis.card.require_drawable', lambda task: None)
    out = tmp_path / 'card'
    ended = her_ros('card', run.path, '--out', out, '--episodes', 4, '--video')
    assert ended.status == 0, ended.errors
    assert filmed == [(sha256(run.policy.read_bytes()), 'FetchReach', 4)]
    assert (
        '![The first 4 of the evaluated episodes](policy.webp)' in (out / 'README.md').read_text()
    )
    assert (out / 'policy.webp').exists()


def test_a_card_is_made_on_the_arm_that_the_parameters_name(her_ros, run, tmp_path):
    described = shipped(Path('config/arms/six_joint.yaml'), 'no six_joint')
    shutil.copy(described.with_suffix('.xml'), tmp_path)
    own = shutil.copy(described, tmp_path / 'mine.yaml')
    task = with_workspace(task_named('Reach', str(own)))
    run.policy.write_bytes(Learner(task, LearnerParameters(hidden_sizes=(8,))).policy(1, {}))
    run.params.write_text(f'/**/trainer:\n  ros__parameters: {{task: Reach, arm: {own}}}\n')
    result = json.loads(run.result.read_text()) | {'task': 'Reach'}
    result['evaluations'][1]['sha256'] = OnnxPolicy.load(run.policy).sha256
    run.result.write_text(json.dumps(result))
    ended = her_ros('card', run.path, '--out', tmp_path / 'card', '--episodes', 4)
    assert ended.status == 0, ended.errors
    assert '--episodes 4 --arm mine.yaml\n' in (tmp_path / 'card' / 'README.md').read_text()
    own.rename(tmp_path / 'moved.yaml')
    ended = her_ros('card', run.path, '--out', tmp_path / 'card', '--episodes', 4)
    assert 'mine.yaml' in ended.errors
    moved = (tmp_path / 'new').joinpath('mine.yaml')
    moved.parent.mkdir()
    shutil.move(tmp_path / 'moved.yaml', moved)
    shutil.move(tmp_path / 'six_joint.xml', moved.parent)
    ended = her_ros('card', run.path, '--out', tmp_path / 'card', '--episodes', 4, '--arm', moved)
    assert ended.status == 0, ended.errors


def test_a_card_has_the_table_of_disturbances_that_was_asked_for(her_ros, run, tmp_path):
    asked = ('--episodes', 4, '--threads', 1, '--disturb', 'lost_share:2')
    ended = her_ros('card', run.path, '--out', tmp_path / 'card', *asked)
    assert ended.status == 0, ended.errors
    card = (tmp_path / 'card' / 'README.md').read_text()
    begin = card.index('## Disturbed: `lost_share:2`')
    lines = card[begin:].splitlines()
    assert [line.split(' | ')[0] for line in lines[4:]] == [
        '| disturbance', '|---|---|---|---|', '| none', '| lost_share',
    ]  # fmt: skip
    assert 'Disturbed' not in card.split('```yaml')[0]


@pytest.mark.parametrize(
    ('asked', 'problem'),
    [
        ('--disturb lost_share:2.5', "'lost_share' has strength 2.5; give at most 2, as 2 times"),
        ('--disturb push_mps', "'push_mps' acts on an object, which FetchReach lacks"),
        ('--video', 'pictures cannot be drawn'),
    ],
)
@pytest.mark.parametrize('command', ['card', 'evaluate'])
def test_what_cannot_be_measured_or_drawn_is_refused_before_episodes(
    her_ros, run, tmp_path, monkeypatch, command, asked, problem
):
    def no_opengl(*_):
        raise SimError('pictures cannot be drawn')

    def evaluated(*_):
        raise AssertionError('episodes were simulated')

    monkeypatch.setattr('her_ros.sim.rendering.painter.gl_context', no_opengl)
    monkeypatch.setattr(f'her_ros.analysis.{command}.evaluated', evaluated)
    out = tmp_path / 'card'
    if command == 'card':
        ended = her_ros('card', run.path, '--out', out, *asked.split())
    else:
        video = [tmp_path / 'it.webp'] if asked == '--video' else []
        ended = her_ros('evaluate', run.policy, *asked.split(), *video)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert problem in line
    assert not out.exists()


@pytest.mark.parametrize(
    ('outcome', 'said'),
    [('solved', 'scratch by `her-ros train --'), ('trained', 'bags by `her-ros train-offline --')],
)
def test_a_card_names_the_origin_of_its_policy(her_ros, run, tmp_path, outcome, said):
    result = json.loads(run.result.read_text())
    run.result.write_text(json.dumps({**result, 'outcome': outcome}))
    assert her_ros('card', run.path, '--out', tmp_path / 'm', '--episodes', 2).status == 0
    assert said in (tmp_path / 'm' / 'README.md').read_text()


def test_the_digest_of_bags_tells_name_content_and_order():
    digests = {
        bags_digest(log) for log in (LOG, LOG[::-1], LOG[:1], [['c.mcap', LOG[0][1]], LOG[1]])
    }
    assert len(digests) == 4
    lines = f'b.mcap {"ab" * 32}\na.mcap {"cd" * 32}\n'
    assert bags_digest(LOG) == sha256(lines.encode())


def test_a_policy_of_another_run_gets_no_card(her_ros, run, tmp_path, export_policy):
    run.policy.write_bytes(export_policy(version=13))
    ended = her_ros('card', run.path, '--out', tmp_path / 'out')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith(f'her-ros: {run.policy}: none of the policies')
    assert not (tmp_path / 'out').exists()


def test_a_run_that_has_not_finished_gets_no_card(her_ros, run, tmp_path):
    run.result.unlink()
    ended = her_ros('card', run.path, '--out', tmp_path / 'out')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line == f'her-ros: {run.path}: no result.json; only a finished run gets a card'
    assert not (tmp_path / 'out').exists()
