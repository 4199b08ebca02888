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
import shutil

from her_ros.bags.writer import write_rollout
from her_ros.config.shipped import shipped
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from her_ros.view.browser.command import task_of_bags, task_of_run, TaskOptions, view_live
from her_ros.view.browser.library import bags_in, Library
import numpy as np
import pytest


@pytest.fixture
def own_arm(tmp_path):
    """Return the description of an arm that does not come with the package."""
    described = shipped(Path('config/arms/six_joint.yaml'), 'no six_joint')
    shutil.copy(described.with_suffix('.xml'), tmp_path)
    return shutil.copy(described, tmp_path / 'mine.yaml')


@pytest.fixture
def own_run(tmp_path, own_arm):
    """Return a run folder of that arm with one episode."""
    run = RunFolder(tmp_path / 'run')
    run.create()
    run.params.write_text(f'/**/trainer:\n  ros__parameters: {{task: Reach, arm: {own_arm}}}\n')
    task = task_named('Reach')
    still = np.zeros((51, task.observation_size)), np.ones((51, 3)), np.ones(3)
    rows = Episode.from_arrays(task, *still, np.zeros((50, 4))).rows
    write_rollout(run.bags, 'one', {'task': 'Reach', 'arm': 'mine'}, list(rows[:, None]))
    return run


def entries_of(run, task):
    library = Library(bags_in(run.bags), task)
    library.look()
    library.read(10.0)
    assert not library.faults
    return library.entries


def test_the_episodes_of_a_run_are_drawn_with_the_arm_that_its_parameters_name(own_run, own_arm):
    (entry,) = entries_of(own_run, task_of_run(own_run, TaskOptions()))
    assert (entry.task.arm, entry.task.workspace[-1]) == (str(own_arm), 0.0)


def test_without_the_description_the_curves_of_a_run_are_shown(own_run, own_arm):
    own_arm.unlink()
    (entry,) = entries_of(own_run, task_of_run(own_run, TaskOptions()))
    assert entry.task.arm == 'mine'
    with pytest.raises(HerRosError, match='mine'):
        task_of_run(own_run, TaskOptions(arm=str(own_arm)))


def test_an_arm_that_is_named_draws_bags_of_their_own_task(own_run, own_arm):
    (bag,) = own_run.bags.iterdir()
    (entry,) = entries_of(own_run, task_of_bags([bag], TaskOptions(arm=str(own_arm))))
    assert (entry.task.name, entry.task.arm) == ('Reach', str(own_arm))
    assert task_of_bags([bag], TaskOptions()) is None


def test_an_arm_needs_a_task(own_run):
    (bag,) = own_run.bags.iterdir()
    bag.unlink()
    write_rollout(own_run.bags, 'two', {}, [])
    (bag,) = own_run.bags.iterdir()
    with pytest.raises(HerRosError, match='name the task by --task'):
        task_of_bags([bag], TaskOptions(arm='six_joint'))
    own_run.params.write_text('of another version')
    with pytest.raises(HerRosError, match=r'params.yaml: does not name .* by --task'):
        task_of_run(own_run, TaskOptions(arm='six_joint'))
    with pytest.raises(HerRosError, match='name the task as well, by --task'):
        view_live('her_ros', TaskOptions(arm='six_joint'), None)
