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

from her_ros.arms.registry import with_workspace
from her_ros.runtime.errors import HerRosError
from her_ros.sim.registry import simulation_of
from her_ros.sim.rendering.view_scene import ViewScene
from her_ros.tasks.registry import task_named
import numpy as np
import pytest


@pytest.mark.parametrize(
    ('task', 'arm', 'off_m'),
    [
        ('FetchReach', '', 0.01),
        ('FetchPickAndPlace', '', 0.01),
        ('PickAndPlace', 'six_joint', 1e-3),
        ('Push', 'fetch', 1e-3),
    ],
)
def test_an_observation_poses_the_scene_as_the_simulation_does(task, arm, off_m):
    task = with_workspace(task_named(task, arm))
    scene, batch = ViewScene(task), simulation_of(task, [1])
    state, generator = batch.reset(), np.random.default_rng(0)
    for _ in range(15):
        state = batch.step(generator.uniform(-1, 1, (1, 4)).astype(np.float32))
        true = scene.poses(batch.qpos(0))
        seen = scene.poses(scene.observed(state.observation[0]))
        assert np.abs(true.positions - seen.positions).max() < off_m
        turned = 1.0 - np.abs((true.quaternions * seen.quaternions).sum(1))
        assert turned.max() < 2e-3
    assert len(true.positions) == len(scene.shapes)


def test_meshes_of_a_real_arm_stand_in_for_the_bars(menagerie):
    task = with_workspace(task_named('Push', 'ur5e_2f85'))
    scene, batch = ViewScene(task), simulation_of(task, [1])
    observation = batch.reset().observation[0]
    names = [each.name for each in scene.shapes]
    assert any(name.endswith('forearm_link') for name in names)
    assert not any('joint' in name for name in names)
    # The wrist that carries the gripper is above the tool, which points down.
    wrist = scene.poses(batch.qpos(0)).positions[
        next(i for i, name in enumerate(names) if name.endswith('wrist_3_link'))
    ]
    np.testing.assert_allclose(wrist[:2], observation[:2], atol=0.05)
    assert 0.1 < wrist[2] - observation[2] < 0.4


def test_a_task_without_a_scene_is_refused_by_name():
    with pytest.raises(HerRosError, match='gym:HandReach-v3'):
        ViewScene(task_named('gym:HandReach-v3'))
