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

from her_ros.arms.registry import arm_named
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.arm.scene import load_scene
from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.arm import ARM_TASKS
from her_ros.tasks.registry import task_named
import numpy as np
import pytest

SEEDS = range(100, 108)
ABOVE = np.array([0.0, 0.0, 0.08])


@pytest.fixture(params=list(ARM_TASKS))
def task(request, on_small_arm):
    return on_small_arm(request.param)


def equal_bits(state, other):
    pairs = zip(state, other, strict=True)
    return all(np.array_equal(one, two) for one, two in pairs)


def toward(displacement):
    """Return the actions that displace the tool, for displacements of any length."""
    return np.clip(displacement / 0.04, -1.0, 1.0)


def grasp_and_carry(state, step):
    """Act as someone who picks the block up by hand: above it, down, close, to the goal."""
    to_block = state.observation[:, 6:9]
    actions = np.ones((len(to_block), 4))
    if step < 12:
        actions[:, :3] = toward(to_block + ABOVE)
    elif step < 18:
        actions[:, :3] = toward(to_block)
    elif step < 22:
        actions[:, 0:3], actions[:, 3] = 0.0, -1.0
    else:
        actions[:, :3] = toward(state.desired_goal - state.achieved_goal)
        actions[:, 3] = -1.0
    return actions


def push_from_behind(state, step):
    """Act as someone who goes around the block, and then pushes it toward the goal."""
    grip, block = state.observation[:, :3], state.achieved_goal
    way = state.desired_goal - block
    distance = np.linalg.norm(way, axis=1, keepdims=True)
    forward = way / np.maximum(distance, 1e-6)
    actions = np.zeros((len(grip), 4))
    if step < 12:
        actions[:, :3] = toward(block - 0.06 * forward + (ABOVE if step < 8 else 0.0) - grip)
    else:
        aside = block - grip
        aside -= (aside * forward).sum(1, keepdims=True) * forward
        ahead = 0.6 * forward * (np.linalg.norm(aside, axis=1, keepdims=True) < 0.015)
        actions[:, :3] = (toward(aside) + ahead) * (distance > 0.025)
    return actions


@pytest.mark.parametrize(
    ('name', 'act'), [('PickAndPlace', grasp_and_carry), ('Push', push_from_behind)]
)
def test_a_scripted_policy_solves_the_task(on_small_arm, name, act):
    task = on_small_arm(name)
    batch = ArmBatch(task, SEEDS)
    state = batch.reset()
    if name == 'PickAndPlace':
        batch.set_goal(state.desired_goal * [1, 1, 0] + [0, 0, 0.65])
        state = batch.state()
    for step in range(task.episode_length):
        state = batch.step(act(state, step))
    distance = task.distance(state.achieved_goal, state.desired_goal)
    assert (distance < 0.05).all(), distance


@pytest.mark.parametrize('name', ['Push', 'PickAndPlace', 'Slide'])
def test_an_object_at_rest_does_not_creep(on_small_arm, name):
    batch = ArmBatch(on_small_arm(name), SEEDS)
    start = batch.reset()
    for _ in range(50):
        state = batch.step(np.zeros((len(SEEDS), 4)))
    np.testing.assert_allclose(state.achieved_goal, start.achieved_goal, atol=1e-4)


def test_a_grasped_block_stays_between_the_fingers(on_small_arm):
    batch = ArmBatch(on_small_arm('PickAndPlace'), SEEDS)
    state = batch.reset()
    for step in range(50):
        state = batch.step(grasp_and_carry(state, min(step, 21)))
    held = state.observation[:, 6:9]
    for step in range(40):  # as fast as it goes, in changing directions
        actions = np.full((len(SEEDS), 4), -1.0)
        actions[:, :3] = np.random.default_rng(step // 4).choice([-1.0, 1.0], 3)
        state = batch.step(actions)
    np.testing.assert_allclose(state.observation[:, 6:9], held, atol=0.025)
    held = state.observation[:, 6:9]
    for _ in range(50):
        state = batch.step(actions * [0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(state.observation[:, 6:9], held, atol=0.003)


def test_a_full_action_moves_the_tool_as_it_moves_the_fetch(on_small_arm):
    states = []
    for task in (on_small_arm('Reach'), task_named('FetchReach')):
        batch = FetchBatch(task, [0]) if task.name == 'FetchReach' else ArmBatch(task, [0])
        path = [batch.reset().observation[0, :3]]
        for step in range(8):
            action = [0.0, 1.0 if step < 4 else 0.0, 0.0, 0.0]
            path.append(batch.step(np.array([action], np.float32)).observation[0, :3])
        states.append(np.array(path) - path[0])
    np.testing.assert_allclose(*states, atol=0.005)


def test_the_tool_stays_within_the_workspace(on_small_arm):
    batch = ArmBatch(on_small_arm('Reach'), range(4))
    batch.reset()
    base_m, workspace = batch._scene.base_m, arm_named('six_joint').workspace
    corners = np.array([[1, 1, 1, 0], [-1, 1, -1, 0], [1, -1, -1, 0], [-1, -1, 1, 0]])
    for _ in range(25):
        tool_m = batch.step(corners).achieved_goal - base_m
    wanted = np.where(corners[:, :3] > 0, workspace.high, workspace.low)
    np.testing.assert_allclose(tool_m, wanted, atol=0.01)


def test_joints_that_are_only_held_stay_where_they_are():
    task = task_named('Reach', 'fetch')
    scene, batch = load_scene(task), ArmBatch(task, range(8))
    batch.reset()
    held = ~scene.kinematics.chain.commanded
    assert held.sum() == 1
    signs = np.array([*np.ndindex(2, 2, 2)]) * 2.0 - 1.0
    for _ in range(30):
        batch.step(np.hstack([signs, np.zeros((8, 1))]))
    moved = batch._qpos[:, scene.joints] - scene.start_qpos[scene.joints]
    np.testing.assert_allclose(moved[:, held], 0.0, atol=3e-5)
    assert (np.abs(moved[:, ~held]).max(axis=1) > 0.1).all()


def test_states_depend_on_seed_and_actions_alone(task):
    together, threaded = ArmBatch(task, range(5)), ArmBatch(task, range(5), threads=2)
    alone = ArmBatch(task, [3])
    states = [each.reset() for each in (together, threaded, alone)]
    random = np.random.default_rng(1)
    for step in range(30):
        actions = random.uniform(-1.5, 1.5, (5, 4))
        if states[0].observation.shape[1] == 25 and step % 10 < 7:
            actions[:, :3] = toward(states[0].observation[:, 6:9])
        batches = (together, actions), (threaded, actions), (alone, actions[3:4])
        states = [batch.step(part) for batch, part in batches]
        assert equal_bits(states[0], states[1])
        assert equal_bits([each[3:4] for each in states[0]], states[2])
    assert not equal_bits(together.reset(), states[1])
    assert equal_bits(together.reset(seeds=range(5)), threaded.reset(seeds=range(5)))


def test_starts_are_drawn_as_on_the_fetch(task):
    ours = ArmBatch(task, range(300)).reset()
    fetch = FetchBatch(task_named(f'Fetch{task.name}'), range(300)).reset()
    np.testing.assert_allclose(ours.desired_goal, fetch.desired_goal, atol=2e-3)
    np.testing.assert_allclose(ours.achieved_goal, fetch.achieved_goal, atol=2e-3)


def test_random_actions_keep_everything_in_bounds(task):
    batch = ArmBatch(task, range(40))
    random = np.random.default_rng(0)
    batch.reset()
    for _ in range(50):
        state = batch.step(random.uniform(-1, 1, (40, 4)))
        assert np.abs(state.observation[:, :3] - [1.34, 0.75, 0.6]).max() < 0.7
        assert np.abs(batch._qvel[:, batch._scene.joints]).max() < 10.0
        if state.observation.shape[1] == 25:
            assert (state.achieved_goal[:, 2] > 0.41).all()


def test_a_goal_set_by_hand_lasts_for_the_episode(task):
    batch = ArmBatch(task, range(3))
    start = batch.reset()
    batch.set_goal(start.achieved_goal)
    np.testing.assert_array_equal(batch.step(np.zeros((3, 4))).desired_goal, start.achieved_goal)
    assert not np.array_equal(batch.reset().desired_goal, start.achieved_goal)


def test_what_does_not_fit_is_refused(on_small_arm):
    task = on_small_arm('Reach')
    with pytest.raises(SimError, match=r'^0 seeds and 1 threads; both must be at least 1$'):
        ArmBatch(task, [])
    with pytest.raises(SimError, match=r'^seed -1 is negative; use 0 or more$'):
        ArmBatch(task, [-1])
    batch = ArmBatch(task, [0, 1])
    with pytest.raises(SimError, match=r'^no episode runs yet; call reset\(\) before step\(\)$'):
        batch.step(np.zeros((2, 4)))
    with pytest.raises(SimError, match=r'^1 seeds for 2 environments; give one for each$'):
        batch.reset(seeds=[1])
    batch.reset()
    with pytest.raises(SimError, match=r'^actions have shape \(4,\); expected \(2, 4\)$'):
        batch.step(np.zeros(4))
    with pytest.raises(SimError, match=r'^action 1 is .*nan.*; it must be finite$'):
        batch.step(np.array([[0.0] * 4, [np.nan] * 4]))
