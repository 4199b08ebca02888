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

from her_ros.robot.kinematics import task_kinematics
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.arm_scene import ArmSceneView
from her_ros.tasks.registry import task_named
import numpy as np
import pytest


@pytest.fixture(params=['Reach', 'Push', 'Slide', 'PickAndPlace'])
def task(request):
    """Every task, on the arm that needs no download."""
    return task_named(request.param, 'six_joint')


@pytest.fixture
def shown(task):
    """Return the view after some moves, with the state that it shows."""
    batch, generator = ArmBatch(task, [3]), np.random.default_rng(5)
    batch.reset()
    for _ in range(6):
        state = batch.step(generator.uniform(-1.0, 1.0, (1, 4)))
    scene = ArmSceneView(task)
    return scene, scene.look(batch.qpos(0), state.desired_goal[0]), state


def shape(view, name):
    (found,) = [each for each in view.shapes if each.name == name]
    return found


def test_poses_are_those_that_the_observation_tells(task, shown):
    scene, view, state = shown
    grip = state.observation[0, :3]
    assert view.gripper.position == pytest.approx(grip, abs=1e-9)
    assert (view.object is None) == (not scene.has_object) == (task.name == 'Reach')
    if view.object is not None:
        assert view.object.position == pytest.approx(state.achieved_goal[0], abs=1e-9)
        assert shape(view, 'object0').pose.position == pytest.approx(view.object.position)
    assert (view.shapes[-1].name, *view.shapes[-1].pose.position) == (
        'goal', *state.desired_goal[0],
    )  # fmt: skip


def test_joints_are_those_of_the_driver_and_lead_to_the_gripper(task, shown):
    scene, view, state = shown
    kinematics = task_kinematics(task)
    assert scene.joint_names == kinematics.joint_names
    kinematics.update(view.joint_positions, np.zeros(len(view.joint_positions)))
    assert kinematics.grip_position == pytest.approx(view.gripper.position, abs=1e-9)
    if task.name == 'PickAndPlace':
        assert kinematics.finger_position == pytest.approx(state.observation[0, 9:11])
    grip = view.gripper.quaternion
    assert abs(grip @ kinematics.description.tool.down_quaternion) == pytest.approx(1, abs=1e-4)


def test_the_arm_is_a_line_from_base_to_tool_and_fingers_are_at_its_end(task, shown):
    scene, view, _ = shown
    points = shape(view, 'arm').points
    assert scene.base_frame == 'base_link'
    assert (points[0] == scene.base.position).all()
    assert points[-1] == pytest.approx(view.gripper.position)
    fingers = [each for each in view.shapes if each.name.startswith(('finger', 'tool'))]
    assert len(fingers) == (2 if task.name == 'PickAndPlace' else 1)
    for finger in fingers:
        assert np.linalg.norm(finger.pose.position - view.gripper.position) < 0.06


def test_objects_have_their_sizes_and_stand_on_the_table(task, shown):
    _, view, _ = shown
    table = shape(view, 'table0')
    assert table.pose.position[2] + table.size[2] / 2 == pytest.approx(0.4)
    if task.name != 'Reach':
        puck = task.name == 'Slide'
        drawn = shape(view, 'object0')
        assert drawn.kind == ('cylinder' if puck else 'box')
        assert drawn.size == pytest.approx([0.05, 0.05, 0.04 if puck else 0.05])


def test_without_a_goal_all_else_is_drawn_in_the_same_order(task, shown):
    scene, view, _ = shown
    other = scene.look(np.array(scene._scene.start_qpos), None)
    assert [each.name for each in other.shapes] == [each.name for each in view.shapes[:-1]]
    # and an earlier view stays as it was
    assert not np.allclose(other.gripper.position, view.gripper.position, atol=1e-3)
