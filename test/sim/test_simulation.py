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
from functools import partial
from pathlib import Path
import re

import her_ros
from her_ros.sim.errors import SimError
from her_ros.sim.registry import simulation_of
from her_ros.sim.rollout import Rollout
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.symmetry import Kind, Symmetries
import numpy as np
import pytest

PAGE = Path(her_ros.__file__).parents[1] / 'docs' / 'tutorials' / 'own_task.md'
# What there is in tasks/registry.py, to which the first part of the example belongs.
NAMES = {'GoalTask': GoalTask, 'FETCH_TASKS': {}, 'Kind': Kind, 'Symmetries': Symmetries}


@pytest.fixture(scope='module')
def drawer():
    """Return the example of the page on tasks: (task, its simulation)."""
    task, simulation, symmetries = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)
    tasks, module = dict(NAMES), {}
    exec(task, tasks)
    exec(symmetries, tasks)
    exec(simulation, module)
    return replace(tasks['OWN_TASKS']['Drawer'], symmetries=tasks['symmetries']), module['Drawer']


def test_the_example_of_the_page_is_a_simulation_of_its_task(drawer):
    task, kind = drawer
    make = partial(kind, task)
    rollout = Rollout(task, make([1, 2, 3]), session=0)
    begin = rollout.start()
    starts = begin['desired_goal'].copy()
    while not rollout.finished:
        pull = np.sign(rollout.rows['desired_goal'] - rollout.rows['achieved_goal'])
        rollout.accept_all(np.repeat(pull, 3, axis=1).astype(np.float32), 1)
        rollout.advance()
    assert rollout.rows['is_success'].all()
    assert not np.array_equal(rollout.start()['desired_goal'], starts)
    again = Rollout(task, make([5, 6, 7]), session=0)
    assert np.array_equal(again.start(seeds=[1, 2, 3])['desired_goal'], starts)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'observation': np.zeros((3, 1))}, r'Drawer: .* observation \(3, 1\).*of shape \(3, 4\)'),
        ({'achieved_goal': np.full((3, 1), np.nan)}, r'Drawer: .*nan.*; it must be finite'),
    ],
)
@pytest.mark.parametrize('when', ['at the start', 'after a step'])
def test_a_simulation_that_shows_something_else_is_named(drawer, monkeypatch, change, said, when):
    task, kind = drawer
    make = partial(kind, task)
    simulation = make([1, 2, 3])
    rollout = Rollout(task, simulation, session=0)
    if when == 'after a step':
        rollout.start()
        rollout.accept_all(np.zeros((3, 3), np.float32), 0)
    state = simulation.reset()
    monkeypatch.setattr(simulation, 'state', lambda: state._replace(**change))
    with pytest.raises(SimError, match=said):
        rollout.start() if when == 'at the start' else rollout.advance()


def test_a_task_without_simulation_is_refused_and_the_cure_names_its_place(drawer):
    with pytest.raises(SimError, match="'Drawer' has no simulation; name one in its GoalTask"):
        simulation_of(replace(drawer[0], simulation=''), [1])
