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

from her_ros.episodes.episode import Episode
from her_ros.tasks.registry import task_named
from her_ros.view.browser.outcome import outcome, reason
import numpy as np
import pytest

PUSH, REACH = task_named('FetchPush'), task_named('FetchReach')
STEPS = 10


def episode(path, task=PUSH, gripper=(0.0, 0.0, 0.1), version=1):
    """Return an episode whose object, or gripper, takes a path towards a goal at the origin."""
    achieved = np.zeros((STEPS + 1, 3))
    achieved[:, 0] = path
    observation = np.zeros((STEPS + 1, task.observation_size))
    slices = task.observation_slices
    observation[:, slices['gripper_position']] = gripper if task is PUSH else achieved
    if task is PUSH:
        observation[:, slices['object_position']] = achieved
    made = Episode.from_arrays(task, observation, achieved, np.zeros(3), np.zeros((STEPS, 4)))
    made.rows['policy_version'][1:] = version
    made.rows['is_success'] = np.abs(achieved[:, 0]) < 0.05
    return made


def line(first, last):
    return np.linspace(first, last, STEPS + 1)


@pytest.mark.parametrize(
    ('path', 'ended', 'why'),
    [
        (line(0.6, 0.0), 'reached', 'At the goal from step 10 to the end.'),
        (line(0.0, 0.0), 'reached', 'It was at the goal from the start.'),
        (line(0.5, 0.08), 'missed by 8.0 cm', 'still coming closer at the end: 8.0 cm left, 5 cm'),
        (line(-0.21, 0.29), 'missed by 29.0 cm', 'It was at the goal until step 5, then left it.'),
        (np.abs(line(-0.2, 0.2)) + 0.1, 'missed by 30.0 cm', 'no closer than 10.0 cm, at step 5'),
    ],
)
def test_how_it_went_follows_from_the_distances(path, ended, why):
    for task in (PUSH, REACH):
        made = episode(path, task)
        assert outcome(made, task) == ended
        assert why in reason(made, task)


def test_an_object_that_was_never_touched_explains_the_miss():
    made = episode(line(0.2, 0.2), gripper=(0.2, 0.0, 0.07))
    assert reason(made, PUSH) == (
        'The object was never moved; the gripper came within 7.0 cm of its middle.'
    )


def test_an_object_that_fell_explains_the_miss():
    made = episode(line(0.1, 0.9))
    height = PUSH.observation_slices['object_position'].start + 2
    made.rows['observation'][7:, height] = -0.1
    assert reason(made, PUSH) == 'The object fell at step 7.'


def test_random_actions_are_named():
    made = episode(line(0.5, 0.2), version=0)
    assert reason(made, PUSH).startswith('The actions were random: there was no policy yet. ')
