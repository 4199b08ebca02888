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

"""On the GPU, real graphs; on the CPU, a stand-in that repeats kernels on the memory they had."""

import copy

from her_ros.learning.acceleration import cuda_graph
from her_ros.learning.acceleration.cuda_graph import UpdateGraphs, UPDATES_PER_GRAPH
from her_ros.learning.learner import Learner
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

# What reads a tensor on the host, or copies host memory to the device.
HOST_KERNELS = {'_local_scalar_dense', 'lift_fresh', 'nonzero', 'masked_select', 'equal'}
OPTIONS = {
    'motion_fraction': 0.5,
    'her_past_goal_k': 1,
    'relative_goals': True,
    'critic_layer_norm': True,
    'critic_count': 2,
    'symmetry_left_right': 0.5,
    'symmetry_front_back': 0.3,
    'symmetry_offset_m': 0.1,
}
FAMILY = {
    'her_strategy': 'episode',
    'priority_kind': 'td_error',
    'curriculum_enabled': True,
    'curriculum_doubling_updates': 5.0,
}
AGENTS = [{'agent': agent, **OPTIONS} for agent in ('td3', 'sac')]
AGENTS += [{'agent': agent, **FAMILY} for agent in ('td3', 'sac')]
of_every_kind = pytest.mark.parametrize(
    'options',
    [{}, OPTIONS, FAMILY, *AGENTS],
    ids=['plain', 'options', 'family', 'td3', 'sac', 'td3_family', 'sac_family'],
)


@pytest.fixture
def toy(toy, symmetric):
    return symmetric(toy)


def address(tensor):
    return tensor.untyped_storage().data_ptr()


class Recording(TorchDispatchMode):
    """Remembers every kernel with its tensors, and runs them again as a CUDA graph would."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.read = set()  # addresses of memory that was there before
        self._made = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = function.overloadpacket.__name__
        assert name not in HOST_KERNELS, f'{name} waits for the host'
        self.read |= {address(tensor) for tensor in tensors_in((args, kwargs))} - self._made
        result = function(*args, **kwargs)
        self._made |= {address(tensor) for tensor in tensors_in(result)} - self.read
        call = (args, kwargs, result)
        self.calls.append((function, *tree_map_only(torch.Tensor, torch.Tensor.detach, call)))
        return result

    @torch.no_grad()
    def replay(self):
        for function, args, kwargs, result in self.calls:
            again = function(*args, **kwargs)
            for old, new in zip(tensors_in(result), tensors_in(again), strict=True):
                if address(old) != address(new):
                    old.copy_(new)


def tensors_in(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def assert_same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def one_by_one(learner, count):
    for _ in range(count):
        losses = learner.update_once()
    learner.updates += count
    return {name: loss.item() for name, loss in losses.items()}


@pytest.fixture
def make_learner(device, monkeypatch, toy, parameters):
    """Make a learner whose updates are captured, whatever the device."""
    learners = []

    def capture(function, *generators):
        before = copy.deepcopy([learner.state_dict() for learner in learners])
        with Recording() as recording:
            result = function()
        # To capture is not to run.
        for learner, state in zip(learners, before, strict=True):
            learner.load_state_dict(state)
        return recording, result

    def make(**changes):
        learner = Learner(toy, parameters(device=device.type, **changes))
        if device.type == 'cpu':
            learner._graphs = UpdateGraphs(learner, learner._generators['update'])
            learners.append(learner)
        return learner

    if device.type == 'cpu':
        monkeypatch.setattr(cuda_graph, 'capture', capture)
        monkeypatch.setattr(cuda_graph, 'warm_up', lambda function: [function(), function()])
    return make


@of_every_kind
def test_captured_updates_are_those_made_one_by_one(make_learner, toy, make_episode, options):
    """The generators advance alike, too: they are part of the state."""
    captured, plain = (make_learner(**options) for _ in range(2))
    for learner in (captured, plain):
        learner.ingest([make_episode(toy, 10, number) for number in range(5)])
    for count in (3, 2 * UPDATES_PER_GRAPH + 1, UPDATES_PER_GRAPH, 1):
        assert captured.update(count) == one_by_one(plain, count)
        assert_same(captured.state_dict(), plain.state_dict())
    assert captured.update(0) == {}


@pytest.mark.parametrize('options', [{}, OPTIONS], ids=['plain', 'options'])
def test_episodes_that_come_and_go_between_replays_are_seen(
    make_learner, toy, make_episode, options
):
    captured, plain = (make_learner(replay_capacity=100, **options) for _ in range(2))
    for number in range(12):
        episode = make_episode(toy, 5 + number, number)
        for learner in (captured, plain):
            learner.ingest([episode])
        captured.update(UPDATES_PER_GRAPH + 1)
        one_by_one(plain, UPDATES_PER_GRAPH + 1)
        assert_same(captured.state_dict(), plain.state_dict())
    assert captured.replay.episodes < 12


def test_graphs_go_on_from_a_state_that_is_loaded(make_learner, toy, make_episode):
    learner, fresh = make_learner(), make_learner(seed=1)
    episodes = [make_episode(toy, 10, number) for number in range(5)]
    learner.ingest(episodes)
    learner.update(UPDATES_PER_GRAPH + 1)
    state = copy.deepcopy(learner.state_dict())
    expected = learner.update(UPDATES_PER_GRAPH + 2)
    expected_state = copy.deepcopy(learner.state_dict())
    fresh.restore(episodes)
    fresh.update(UPDATES_PER_GRAPH + 1)
    for other in (learner, fresh):
        other.load_state_dict(state)
        assert other.update(UPDATES_PER_GRAPH + 2) == expected
        assert_same(other.state_dict(), expected_state)


def test_capturing_leaves_no_trace(make_learner, toy, make_episode):
    learner = make_learner()
    learner.ingest([make_episode(toy, 10)])
    before = copy.deepcopy(learner.state_dict())
    for updates in (UPDATES_PER_GRAPH, 1):
        learner._graphs._graph(updates)
        assert_same(learner.state_dict(), before)


def test_compiled_updates_are_captured_anew(make_learner, toy, make_episode, monkeypatch):
    learner = make_learner()
    learner.ingest([make_episode(toy, 10)])
    learner.update(1)
    calls = []

    def compiled(function, **_):
        return lambda *sample_noise: calls.append(1) or function(*sample_noise)

    monkeypatch.setattr(torch, 'compile', compiled)
    learner.compile()
    tried_out = len(calls)
    learner.update(1)
    assert len(calls) > tried_out
    captured = len(calls)
    learner.update(1)
    assert len(calls) == captured


def test_an_update_reads_the_same_memory_whatever_was_stored_or_loaded(
    toy, parameters, make_episode
):
    learner = Learner(toy, parameters(replay_capacity=100, **OPTIONS))

    def memory_read():
        with Recording() as recording:
            learner.update_once()
        return recording.read

    learner.ingest([make_episode(toy, 10)])
    state = copy.deepcopy(learner.state_dict())
    before = memory_read()
    read = {*tensors_in(learner.agent.state_dict())}
    read |= {tensor for n in learner.normalizers.values() for tensor in (n.mean, n.std)}
    assert {address(tensor) for tensor in read} < before
    learner.ingest([make_episode(toy, 5 + number, number) for number in range(12)])
    assert learner.replay.episodes < 13
    learner.update(2)
    learner.load_state_dict(state)
    assert memory_read() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_the_host_waits_for_no_update(toy, parameters, make_episode):
    learner = Learner(toy, parameters(device='cuda', **OPTIONS))
    learner.ingest([make_episode(toy, 10)])
    count = 3 * UPDATES_PER_GRAPH + 2
    learner.update(count)
    torch.cuda.set_sync_debug_mode('error')
    try:
        learner._graphs.run(count)
        one_update = learner.update_once()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert all(loss.isfinite() for loss in one_update.values())
