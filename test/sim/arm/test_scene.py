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

from her_ros.arms.errors import ArmError
from her_ros.arms.model import load_model
from her_ros.arms.placement import TABLE_HEIGHT_M
from her_ros.arms.registry import arm_named
from her_ros.runtime.errors import HerRosError
from her_ros.sim.arm.scene import load_scene
from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.registry import task_named
import mujoco
import numpy as np
import pytest

ARMS = ['six_joint', 'fetch', 'franka_panda', 'ufactory_xarm7', 'ur5e_2f85']


@pytest.mark.parametrize('name', ARM_TASKS)
def test_the_tool_starts_where_the_gripper_of_the_fetch_does(on_small_arm, name):
    scene, fetch = load_scene(on_small_arm(name)), load_model(task_named(f'Fetch{name}'))
    np.testing.assert_allclose(scene.grip_position_m, fetch.grip_position_m, atol=1e-3)
    assert scene.object_height_m == pytest.approx(fetch.object_height_m, abs=1e-3)


@pytest.mark.parametrize('arm', ARMS)
def test_links_move_the_tool_as_the_model_of_the_arm_does(request, arm):
    if arm_named(arm).model.source.startswith('menagerie:'):
        request.getfixturevalue('menagerie')
    scene = load_scene(task_named('PickAndPlace', arm))
    data, random = mujoco.MjData(scene.mujoco_model), np.random.default_rng(0)
    data.qpos[:] = scene.start_qpos
    for _ in range(5):
        mujoco.mj_kinematics(scene.mujoco_model, data)
        position, rotation = scene.kinematics.chain.tool_pose(data.qpos[scene.joints])
        np.testing.assert_allclose(data.body('tool').xpos, scene.base_m + position, atol=1e-6)
        # At the start the tool points down, where the axes of its body are those of the world.
        down = data.body('tool').xmat.reshape(3, 3).T @ rotation
        np.testing.assert_allclose(down, scene.kinematics.down, atol=2e-3)
        data.qpos[scene.joints] += random.uniform(-0.3, 0.3, len(data.qpos[scene.joints]))


def test_the_base_is_as_high_as_the_table_asks(on_small_arm):
    scene = load_scene(on_small_arm('Push'))
    table_m = scene.base_m[2] + scene.description.workspace.table_height
    assert table_m == pytest.approx(TABLE_HEIGHT_M)


def test_fingers_open_as_far_and_grasp_as_strongly_as_described(on_small_arm):
    scene = load_scene(on_small_arm('PickAndPlace'))
    gripper, model = scene.description.gripper, scene.mujoco_model
    for finger in range(model.nu)[scene.fingers]:
        np.testing.assert_allclose(model.jnt_range[finger], [0, gripper.max_opening / 2])
        np.testing.assert_allclose(
            model.actuator_forcerange[finger], [-gripper.max_force, gripper.max_force]
        )


def test_an_arm_or_a_task_that_does_not_fit_is_refused_in_one_line(tmp_path, on_small_arm):
    with pytest.raises(ArmError, match=r"^arm 'six_jont' is unknown; .*nearest: six_joint"):
        load_scene(task_named('Push', 'six_jont'))
    with pytest.raises(HerRosError, match=r"^task 'FetchPush' has no scene with an arm; Reach, "):
        load_scene(replace(task_named('FetchPush'), arm='six_joint'))
    folder = arm_named('six_joint').folder
    text = (folder / 'six_joint.yaml').read_text().replace('low: [0.', 'low: [2.')
    (tmp_path / 'far.yaml').write_text(text.replace('high: [0.', 'high: [2.'))
    (tmp_path / 'six_joint.xml').write_bytes((folder / 'six_joint.xml').read_bytes())
    with pytest.raises(HerRosError, match=r"^arm 'far': its tool cannot start at \[2\.\d+, "):
        load_scene(task_named('Push', str(tmp_path / 'far.yaml')))
