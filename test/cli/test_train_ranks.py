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

"""``her-ros train`` as several processes of torchrun, over DDS."""

import json
import sys

from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.orchestration import train_ranks
from her_ros.orchestration.prepare import prepare_run
from her_ros.runtime.run_folder import RunFolder
import pytest

# Eight processes start, on a machine that may be busy.
PATIENCE_S = 180.0
RESULT = {
    'task': 'FetchReach', 'outcome': 'solved', 'success_rate': 0.96, 'best_success_rate': 0.98,
    'env_steps': 1234, 'episodes': 24, 'updates': 480, 'wall_s': 5.5, 'seed': 0, 'evaluations': [],
}  # fmt: skip
# Solved by its first evaluation, whatever that shows.
QUICK = (
    'trainer.device=cpu', 'trainer.hidden_sizes=[16, 16]', 'trainer.batch_size=64',
    'trainer.warm_up_steps=200', 'trainer.updates_per_step=0.1', 'trainer.stop.success_rate=0.0',
    'trainer.stop.evaluations=1', 'trainer.evaluation_interval=400', 'evaluator.episodes=4',
    'evaluator.num_envs=4', 'sim_env.num_envs=4',
)  # fmt: skip


@pytest.mark.parametrize('outcome', ['solved', 'limit'])
def test_a_run_that_has_finished_releases_the_other_processes(
    her_ros, monkeypatch, tmp_path, outcome
):
    folder = prepare_run('FetchReach', tmp_path, 'both').folder
    folder.result.write_text(json.dumps({**RESULT, 'outcome': outcome}))
    released = []
    monkeypatch.setattr(train_ranks, 'release_followers', lambda: released.append(1))
    for name, value in (('RANK', '0'), ('WORLD_SIZE', '2')):
        monkeypatch.setenv(name, value)
    ended = her_ros('train', '--runs', tmp_path, '--name', 'both')
    assert 'finished already' in ended.output
    assert (ended.status, released) == (0, [1])


def test_a_start_again_by_torchrun_makes_no_new_run(her_ros, monkeypatch, tmp_path):
    for name, value in (
        ('RANK', '0'), ('WORLD_SIZE', '2'), ('TORCHELASTIC_RESTART_COUNT', '1')
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    ended = her_ros('train', '--runs', tmp_path, '--new')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert '--new would begin another training' in line
    assert not list(tmp_path.iterdir())


@pytest.mark.nodes
def test_two_processes_train_one_run_and_end_together(graph, tmp_path):
    process = graph.run(
        sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2',
        '-m', 'her_ros.cli.main', 'train', '--runs', str(tmp_path), '--name', 'both',
        '--no-report', *(word for each in QUICK for word in ('--set', each)),
    )  # fmt: skip
    assert process.ended(PATIENCE_S) == 0, process.output
    assert process.output.count('solved') == 1
    folder = RunFolder(tmp_path / 'FetchReach' / 'both')
    assert load_checkpoint(folder.checkpoint)['learner']['counters'][2] >= 40
    assert folder.policy.exists()
