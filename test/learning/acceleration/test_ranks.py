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
from pathlib import Path
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.ranks import Ranks, RanksLost, TorchRanks
from her_ros.learning.agents.actor_critic import Inputs
from her_ros.learning.learner import Learner
from her_ros.learning.normalizer import Normalizer
from her_ros.learning.replay.batch import SampleNoise
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.torchrun import rank_and_count
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import step_dtype
import numpy as np
import pytest
import torch

TASK = task_named('FetchReach')
PARAMETERS = LearnerParameters(
    task='FetchReach', device='cpu', hidden_sizes=(16, 16), batch_size=32, replay_capacity=2000
)
UPDATES = 20
DEADLINE_S = 120

# What each of the processes runs; argv: the file of its episodes, and where the result goes.
RANK = """
import os
import signal
import sys
import torch
from her_ros.learning.learner import Learner, set_up_torch
from her_ros.learning.acceleration.ranks import RanksLost, ranks_of_environment
from test_ranks import PARAMETERS, TASK, UPDATES, episodes_of

set_up_torch(1)
with ranks_of_environment() as ranks:
    learner = Learner(TASK, PARAMETERS, ranks)
    learner.ingest(episodes_of(ranks.rank))
    for normalizer in learner.normalizers.values():
        ranks.merge(normalizer)
    learner.update(UPDATES)
    torch.save(learner.state_dict(), f'{sys.argv[1]}/{ranks.rank}.pt')
    assert ranks.broadcast(f'told by {ranks.rank}') == 'told by 0'
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        learner.update(1)
    except RanksLost as error:
        assert ranks.is_lost
        open(f'{sys.argv[1]}/lost', 'w').write(str(error))
"""


def episodes_of(rank):
    """Ten episodes of a walk; no two ranks have the same."""
    random = np.random.default_rng(rank)
    for number in range(10):
        rows = np.zeros(21 + number, step_dtype(TASK))
        rows['episode'], rows['step'] = number, np.arange(len(rows))
        rows['observation'] = random.normal(size=rows['observation'].shape)
        rows['achieved_goal'] = random.normal() + random.normal(
            scale=0.02, size=rows['achieved_goal'].shape
        ).cumsum(0)
        rows['desired_goal'] = rows['achieved_goal'][7] + 0.01
        rows['action'][1:] = random.uniform(-1, 1, (len(rows) - 1, 4))
        yield Episode(rows)


class NumberedRank(Ranks):
    """A rank as its learner sees it, without the others."""

    def __init__(self, rank):
        self.rank = rank


def both_at_once():
    """Learn in one process from both halves of a batch twice as large, half by half drawn."""
    learners = [Learner(TASK, PARAMETERS, NumberedRank(rank)) for rank in range(2)]
    for rank, learner in enumerate(learners):
        learner.ingest(episodes_of(rank))
    first, second = learners
    for name, normalizer in first.normalizers.items():
        normalizer.merge(**second.normalizers[name].state_dict())
        second.normalizers[name].load_state_dict(normalizer.state_dict())
    for _ in range(UPDATES):
        halves = []
        for learner in learners:
            sample_noise = SampleNoise.random(PARAMETERS.batch_size, learner._generators['update'])
            halves.append(vars(first.inputs(learner.replay.gather(sample_noise))))
        for half in halves:
            assert half.pop('weight') is half.pop('true_states') is None
        inputs = Inputs(**{key: torch.cat([half[key] for half in halves]) for key in halves[0]})
        gradients, _ = first.agent.gradients(inputs)
        first.agent.apply(gradients)
    return first.state_dict()


@pytest.fixture(scope='module')
def two_ranks(tmp_path_factory):
    """Return the last states of two processes, and what the first says once the other is gone."""
    folder = tmp_path_factory.mktemp('ranks')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', RANK, str(folder)],
            cwd=Path(__file__).parent,
            env={
                **os.environ,
                'RANK': str(rank),
                'LOCAL_RANK': str(rank),
                'WORLD_SIZE': '2',
                'MASTER_ADDR': '127.0.0.1',
                'MASTER_PORT': port,
            },
        )
        for rank in range(2)
    ]
    try:
        assert [process.wait(DEADLINE_S) for process in processes] == [0, -signal.SIGKILL]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    states = [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in range(2)]
    return SimpleNamespace(states=states, lost=(folder / 'lost').read_text())


def test_all_ranks_hold_the_same_networks_and_normalizers_all_the_time(two_ranks):
    first, second = two_ranks.states
    for part in ('agent', 'normalizers'):
        for group, tensors in first[part].items():
            for name, tensor in tensors.items():
                assert torch.equal(tensor, second[part][group][name]), (group, name)


def test_two_ranks_learn_what_one_learns_from_twice_the_batch(two_ranks):
    expected, found = both_at_once(), two_ranks.states[0]
    for group in ('online', 'target'):
        for name, tensor in expected['agent'][group].items():
            torch.testing.assert_close(found['agent'][group][name], tensor, rtol=1e-3, atol=1e-5)
    for name, statistics in expected['normalizers'].items():
        torch.testing.assert_close(found['normalizers'][name], statistics)


def test_ranks_draw_other_numbers(two_ranks):
    states = [state['generators'] for state in two_ranks.states]
    assert not torch.equal(states[0]['update'], states[1]['update'])


def test_a_process_that_has_ended_is_one_line_for_the_others(two_ranks):
    (line,) = two_ranks.lost.splitlines()
    assert line.startswith('training process 0 lost another one of 2 (')
    assert 'the same command, without --new, goes on from the last checkpoint' in line
    assert '.cc:' not in line
    assert 'This is typically' not in line


@pytest.fixture
def first_of_two(monkeypatch):
    monkeypatch.setattr(torch.distributed, 'get_rank', lambda: 0)
    monkeypatch.setattr(torch.distributed, 'get_world_size', lambda: 2)
    return TorchRanks()


def test_the_cause_is_named_without_the_stack_of_torch(first_of_two):
    text = '[/a/b.cc:537] NCCL error in: a.cpp:3\nLast error:\nno route\nException raised from f ('
    told = r'lost another one of 2 \(NCCL error in: a.cpp:3 Last error: no route\); look'
    with pytest.raises(RanksLost, match=told), first_of_two._exchange():
        raise RuntimeError(text)
    assert first_of_two.is_lost


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_gradients_of_a_gpu_are_averaged_by_nccl(tmp_path):
    meeting = f'file://{tmp_path}/meeting'
    torch.distributed.init_process_group('gloo', init_method=meeting, rank=0, world_size=1)
    try:
        ranks, gradient = TorchRanks(), torch.arange(6.0).view(2, 3)
        on_gpu = [gradient.cuda(), torch.ones(3, device='cuda')]
        ranks.average({'critic': on_gpu})
        assert torch.distributed.get_backend(ranks._of_gpus) == 'nccl'
        torch.testing.assert_close(on_gpu[0].cpu(), gradient)
        assert ranks.gather('mine') == ['mine']
    finally:
        torch.distributed.destroy_process_group()


def test_too_little_memory_is_not_said_to_be_the_loss_of_another(first_of_two):
    with pytest.raises(torch.OutOfMemoryError), first_of_two._exchange():
        raise torch.OutOfMemoryError('tried to allocate')
    assert first_of_two.is_lost  # this one may be in the middle of an update


@pytest.mark.parametrize(
    'variables', [{'RANK': '2', 'WORLD_SIZE': '2'}, {'RANK': 'x', 'WORLD_SIZE': '2'}]
)
def test_variables_that_are_not_of_torchrun_are_refused(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(HerRosError, match='start several processes with torchrun'):
        rank_and_count()


def test_alone_nothing_is_exchanged():
    ranks = Ranks()
    gradient, normalizer = torch.ones(3), Normalizer(2, 200.0, 5.0, 0.01)
    normalizer.update(torch.randn(5, 2))
    before = {name: value.clone() for name, value in normalizer.state_dict().items()}
    ranks.average({'actor': [gradient]})
    ranks.merge(normalizer)
    assert torch.equal(gradient, torch.ones(3))
    assert all(torch.equal(value, before[name]) for name, value in normalizer.state_dict().items())
    assert ranks.gather('mine') == ['mine']
    assert ranks.broadcast('mine') == 'mine'


def test_merged_statistics_are_those_of_all_values():
    values = torch.randn(300, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    merged, whole = (Normalizer(4, 200.0, 5.0, 0.01) for _ in range(2))
    whole.update(values)
    for part in values.split([10, 90, 200]):
        other = Normalizer(4, 200.0, 5.0, 0.01)
        other.update(part)
        merged.merge(**other.state_dict())
    torch.testing.assert_close(merged.state_dict(), whole.state_dict())
