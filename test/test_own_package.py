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

"""The example of a package of somebody else's: a task, an agent and a goal strategy."""

import json
import os
import subprocess
import sys

from her_ros.config.files import read_file, shipped_file
from her_ros.config.parameters.learner import learner_parameters, LearnerParameters
from her_ros.config.schema import ConfigError, parameters_of
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.registry import simulation_of
from her_ros.tasks.errors import TaskError
from her_ros.tasks.registry import task_named
import numpy as np
import pytest
import torch

pytestmark = pytest.mark.usefixtures('example_package')
CHOSEN = {'agent': 'imitation', 'her_strategy': 'soon'}


@pytest.fixture
def episode(make_episode_rows):
    return Episode(make_episode_rows(10))


def test_its_task_has_a_simulation_and_a_parameter_file():
    task = task_named('Drawer')
    assert read_file(shipped_file('Drawer'))['trainer']['stop.success_rate'] > 0.9
    simulation = simulation_of(task, [1, 2])
    before = simulation.reset()
    after = simulation.step(np.ones((2, task.action_size), np.float32))
    assert (after.achieved_goal > before.achieved_goal).all()


def test_its_names_are_choices_of_parameters():
    known = parameters_of(LearnerParameters)
    assert known['agent'].choices == ('ddpg', 'td3', 'sac', 'imitation')
    assert known['her.strategy'].choices == ('future', 'final', 'episode', 'random', 'soon')
    with pytest.raises(ConfigError, match=r"agent is 'imitatoin'; .*nearest: imitation"):
        learner_parameters(agent='imitatoin')


def test_its_strategy_gives_goals_of_the_next_states(toy, episode):
    learner = Learner(toy, learner_parameters(**CHOSEN, her_k=1000))
    learner.ingest([episode])
    seen = set()
    for seed in range(30):
        noise = SampleNoise.random(10, torch.Generator().manual_seed(seed))
        steps = learner.replay.sample_episode(0, 10, noise).steps_to_goal
        seen |= {*steps.tolist()}
        assert (steps <= torch.clamp(10 - torch.arange(10), max=5)).all()
    assert {1, 2, 3, 4, 5} <= seen


def test_its_agent_without_critics_learns_and_its_policy_passes_the_checks_of_robots(
    toy, episode, check_exported_policy
):
    learner = Learner(toy, learner_parameters(**CHOSEN, batch_size=32))
    learner.ingest([episode])
    first = learner.update(1)['actor_loss']
    assert learner.update(200)['actor_loss'] < first / 2
    OnnxPolicy(check_exported_policy(learner), 'here', toy)


def test_a_task_under_another_name_is_refused(install):
    install('shelf', {'her_ros.tasks': {'Shelf': 'drawer.task:DRAWER', 'Rack': 'math:pi'}})
    for name in ('Shelf', 'Rack'):
        with pytest.raises(TaskError, match=f"give a GoalTask whose name is '{name}'"):
            task_named(name)


def test_a_task_that_cannot_be_imported_is_reported_in_one_line(install):
    install('shelf', {'her_ros.tasks': {'Shelf': 'no_such_module:SHELF'}})
    with pytest.raises(TaskError) as caught:
        task_named('Shelf')
    line = str(caught.value)
    assert line.startswith("task 'Shelf' of package shelf cannot be loaded from 'no_such_module:")
    assert '\n' not in line


def test_the_policy_node_knows_the_task_without_torch_and_mujoco(example_package):
    pytest.importorskip('rclpy')
    program = (
        'import sys, her_ros.nodes.policy\n'
        'from her_ros.tasks.registry import task_named\n'
        'print(task_named("Drawer").goal_size, *sys.modules)'
    )
    path = os.pathsep.join([*example_package, os.environ.get('PYTHONPATH', '')])
    found = subprocess.run(
        [sys.executable, '-c', program],
        env={**os.environ, 'PYTHONPATH': path},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert found[0] == '1'
    assert 'drawer.task' in found
    assert not {*found} & {'torch', 'onnx', 'mujoco', 'gymnasium', 'drawer.simulation'}


@pytest.mark.nodes
def test_it_is_trained_in_the_nodes(example_package, graph, tmp_path):
    path = os.pathsep.join([*example_package, os.environ.get('PYTHONPATH', '')])
    process = graph.cli(
        'train', '--task', 'Drawer', '--runs', str(tmp_path),
        '--set', 'trainer.agent=imitation', '--set', 'trainer.her.strategy=soon',
        '--set', 'trainer.stop.env_steps=1600', '--set', 'evaluator.episodes=4',
        PYTHONPATH=path,
    )  # fmt: skip
    assert process.ended(120) in (0, 1), process.output  # solved, or at its limit
    result = json.loads((tmp_path / 'Drawer' / 'run_001' / 'result.json').read_text())
    assert result['task'] == 'Drawer'
    assert result['env_steps'] >= 400
