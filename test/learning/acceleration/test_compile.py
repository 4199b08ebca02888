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
import shutil
import time

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.learning.acceleration.compile import CompileAhead
from her_ros.learning.agents.actor_critic import NO_NOISE
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
from her_ros.tasks.registry import TASKS
import pytest
import torch

pytestmark = pytest.mark.skipif(not shutil.which('g++'), reason='torch.compile needs a compiler')


def learner_of(parameters, make_episode):
    learner = Learner(TASKS['FetchReach'], parameters)
    learner.ingest([make_episode(TASKS['FetchReach'], length=8) for _ in range(4)])
    return learner


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TORCHINDUCTOR_CACHE_DIR', str(tmp_path_factory.mktemp('cache')))
        yield


def test_the_background_process_compiles_what_the_learner_then_computes_alike(cache, make_episode):
    symmetries = {'symmetry_left_right': 0.5, 'symmetry_offset_m': 0.1, 'her_goal_offset_m': 0.1}
    parameters = TrainerParameters(
        hidden_sizes=(8,), batch_size=16, replay_capacity=1000, compile_after=2, **symmetries
    )
    learner, eager = (learner_of(parameters, make_episode) for _ in range(2))
    eager.agent.load_state_dict(learner.agent.state_dict())
    ahead = CompileAhead(learner, parameters)
    assert ahead.poll() == ''  # no updates yet, so nothing was started
    learner.update(1), eager.update(1)
    assert not learner.compiled
    assert ahead.poll() == 'compiling the updates in the background; learning goes on'
    deadline = time.monotonic() + 120
    while not (news := ahead.poll()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert learner.compiled, news
    sample_noise = SampleNoise.random(
        16, torch.Generator().manual_seed(3), learner.replay.noise_spec
    )
    found, losses = learner._run_gradients(sample_noise, NO_NOISE)
    expected, expected_losses = learner._gradients(sample_noise, NO_NOISE)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)
    for name, loss in expected_losses.items():
        torch.testing.assert_close(losses[name], loss, rtol=1e-4, atol=1e-6)
    # New episodes change what is computed without compiling again.
    learner.ingest([make_episode(TASKS['FetchReach'], length=5)])
    with torch.compiler.set_stance('fail_on_recompile'):
        found, _ = learner._run_gradients(sample_noise, NO_NOISE)
    expected, _ = learner._gradients(sample_noise, NO_NOISE)
    torch.testing.assert_close(found['actor'], expected['actor'], rtol=1e-4, atol=1e-6)
    assert ahead.poll() == ''
    ahead.close()
    # The next run finds it in the cache, and waits for no process.
    again = learner_of(replace(parameters, compile_after=1), make_episode)
    ahead = CompileAhead(again, again.parameters)
    assert ahead.poll()
    assert again.compiled
    ahead.close()


def test_nothing_is_compiled_before_there_is_something_to_sample():
    parameters = TrainerParameters(hidden_sizes=(8,), replay_capacity=1000, compile_after=1)
    ahead = CompileAhead(Learner(TASKS['FetchReach'], parameters), parameters)
    assert ahead.poll() == ''
    assert ahead._process is None
    ahead.close()


def test_without_a_compiler_updates_stay_as_they_are_and_the_reason_is_reported(
    tmp_path, monkeypatch, make_episode
):
    monkeypatch.setenv('TORCHINDUCTOR_CACHE_DIR', str(tmp_path))
    monkeypatch.setenv('CXX', '/nonexistent/compiler')
    parameters = TrainerParameters(
        hidden_sizes=(8,), batch_size=16, replay_capacity=1000, compile_after=1
    )
    learner = learner_of(parameters, make_episode)
    learner.update(1)
    ahead = CompileAhead(learner, parameters)
    assert 'compiling' in ahead.poll()
    deadline = time.monotonic() + 120
    while not (news := ahead.poll()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 'uncompiled' in news
    assert '/nonexistent/compiler' in news
    learner.update(1)
    assert not learner.compiled
    ahead.close()
