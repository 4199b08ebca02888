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

from her_ros.arms.model import load_model
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.scene import Scene
from her_ros.tasks.registry import task_named, TASKS
import mujoco
import numpy as np
import pytest

# Joints of a real Fetch (fetch_description's URDF) that the MJCF has too.
FETCH_JOINTS = {
    'torso_lift_joint', 'head_pan_joint', 'head_tilt_joint', 'shoulder_pan_joint',
    'shoulder_lift_joint', 'upperarm_roll_joint', 'elbow_flex_joint', 'forearm_roll_joint',
    'wrist_flex_joint', 'wrist_roll_joint', 'r_gripper_finger_joint', 'l_gripper_finger_joint',
}  # fmt: skip
# A full action moves the gripper by 33 mm in a period of 20 physics steps.
STEP_M = 0.033 / 20


@pytest.fixture
def scene(task):
    return Scene(task)


def views(scene, task, busy_actions, steps=30):
    """Move two environments; give the second's view and state after each step."""
    batch, generator = FetchBatch(task, [3, 4]), np.random.default_rng(5)
    state = batch.reset()
    for step in range(steps):
        yield scene.look(batch.qpos(1), state.desired_goal[1]), batch, state
        state = batch.step(busy_actions(step, state.observation, generator))


def shape(view, name):
    (found,) = [each for each in view.shapes if each.name == name]
    return found


def test_poses_are_those_that_the_observation_tells(scene, task, busy_actions):
    # an observation of FetchPickAndPlace is one physics step older; pushed, things go faster
    apart = 3 * STEP_M if task.name == 'FetchPickAndPlace' else 1e-12
    for view, _, state in views(scene, task, busy_actions):
        grip = state.observation[1, :3]
        np.testing.assert_allclose(view.gripper.position, grip, atol=apart)
        if task.observation_size == 10:
            assert view.object is None
        else:
            assert view.object is not None
            np.testing.assert_allclose(view.object.position, state.achieved_goal[1], atol=apart)
            drawn = shape(view, 'object0').pose
            np.testing.assert_allclose(drawn.position, view.object.position, atol=1e-12)
            np.testing.assert_allclose(drawn.quaternion, view.object.quaternion, atol=1e-12)
        np.testing.assert_array_equal(shape(view, 'goal').pose.position, state.desired_goal[1])


def test_sizes_are_those_of_the_model(scene, task, busy_actions):
    model = load_model(task).mujoco_model
    view, _, _ = next(views(scene, task, busy_actions))
    for name in ('table0', 'r_gripper_finger_link', 'l_gripper_finger_link'):
        body = model.body(name if name == 'table0' else f'robot0:{name}')
        drawn = shape(view, name)
        assert drawn.kind == 'box'
        np.testing.assert_allclose(drawn.size, 2.0 * model.geom_size[body.geomadr[0]])
    assert shape(view, 'goal').kind == 'sphere'
    np.testing.assert_allclose(shape(view, 'goal').size, [2 * task.goal_tolerance_m] * 3)


@pytest.mark.parametrize(
    ('name', 'kind', 'size'),
    [
        ('FetchPush', 'box', (0.05, 0.05, 0.05)),
        ('FetchPickAndPlace', 'box', (0.05, 0.05, 0.05)),
        ('FetchSlide', 'cylinder', (0.05, 0.05, 0.04)),
    ],
)
def test_objects_have_their_own_shape(busy_actions, name, kind, size):
    task = task_named(name)
    view, _, _ = next(views(Scene(task), task, busy_actions))
    drawn = shape(view, 'object0')
    assert drawn.kind == kind
    np.testing.assert_allclose(drawn.size, size)


def test_without_a_goal_all_else_is_drawn_in_the_same_order(scene, task):
    qpos = load_model(task).start_qpos
    names = [each.name for each in scene.look(qpos, np.ones(3)).shapes]
    assert [each.name for each in scene.look(qpos, None).shapes] == names[:-1]
    assert names[-1] == 'goal'


def test_everything_drawn_lies_where_the_robot_is(scene, task, busy_actions):
    for view, _, _ in views(scene, task, busy_actions):
        grip, arm = view.gripper.position, shape(view, 'arm')
        np.testing.assert_allclose(arm.points[0], scene.base.position, atol=1e-5)
        # no link is longer than the torso is high, and the hand ends the arm
        assert np.linalg.norm(np.diff(arm.points, axis=0), axis=1).max() < 0.45
        assert np.linalg.norm(arm.points[-1] - grip) < 0.15
        for finger in ('r_gripper_finger_link', 'l_gripper_finger_link'):
            assert np.linalg.norm(shape(view, finger).pose.position - grip) < 0.09
        for each in view.shapes:
            assert np.isfinite([*each.size, *each.points.ravel(), *each.color]).all()
            assert np.linalg.norm(each.pose.quaternion) == pytest.approx(1.0)


def test_the_table_stands_below_the_object(busy_actions):
    task = TASKS['FetchPush']
    view, _, _ = next(views(Scene(task), task, busy_actions))
    table, thing = shape(view, 'table0'), shape(view, 'object0')
    top = table.pose.position[2] + table.size[2] / 2
    assert thing.pose.position[2] - thing.size[2] / 2 == pytest.approx(top, abs=2e-3)


def test_joints_have_the_names_and_values_of_a_fetch(scene, task, busy_actions):
    model = load_model(task).mujoco_model
    assert set(scene.joint_names) == FETCH_JOINTS
    for view, batch, _ in views(scene, task, busy_actions, steps=5):
        qpos = batch.qpos(1)
        for name, position in zip(scene.joint_names, view.joint_positions, strict=True):
            assert position == qpos[model.joint(f'robot0:{name}').qposadr[0]]


def test_the_robot_stands_where_the_setup_puts_it(scene, task):
    data = mujoco.MjData(load_model(task).mujoco_model)
    data.qpos[:] = load_model(task).start_qpos
    mujoco.mj_forward(data.model, data)
    np.testing.assert_array_equal(scene.base.position, data.body('robot0:base_link').xpos)
    np.testing.assert_array_equal(scene.base.quaternion, [1, 0, 0, 0])
    if task.name == 'FetchPush':
        np.testing.assert_allclose(scene.base.position, [0.6919, 0.7441, 0.0], atol=1e-6)


def test_a_view_stays_as_it_was(scene, task, busy_actions):
    shown = views(scene, task, busy_actions)
    first, _, _ = next(shown)
    kept = [*first.gripper.position, *first.joint_positions, *shape(first, 'arm').points.ravel()]
    for _ in shown:
        pass
    now = [*first.gripper.position, *first.joint_positions, *shape(first, 'arm').points.ravel()]
    assert kept == now
