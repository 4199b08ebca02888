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

from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.arm.scene import load_scene
from her_ros.sim.disturbed.disturber import Disturber
from her_ros.sim.disturbed.sensing import base_rotation
from her_ros.sim.errors import SimError
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.rollout import disturbed_rollout
from her_ros.sim.simulation import GoalState
from her_ros.tasks.disturbances import DisturbanceError, parse_disturbances
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.rows import DRAWN_FIELDS, has_truth, step_dtype
import numpy as np
import pytest

PUSH = TASKS['FetchPush']


def run(seeds, disturb, steps=12):
    """Return the rows of a rollout with random actions, which depend on the seed alone."""
    rollout = disturbed_rollout(PUSH, seeds, 1, 0, 0, parse_disturbances(disturb))
    random = [np.random.default_rng(seed) for seed in seeds]
    rows = [rollout.start()]
    for _ in range(steps):
        actions = np.array([each.uniform(-1, 1, 4) for each in random], np.float32)
        rollout.accept_all(actions, 1)
        rows.append(rollout.advance())
    return np.array(rows)


def test_without_disturbances_rows_are_those_of_before():
    plain = run([1, 2], '')
    assert plain.dtype == step_dtype(PUSH)
    disturbed = run([1, 2], 'all:0')
    for name in plain.dtype.names:
        np.testing.assert_array_equal(plain[name], disturbed[name])
    np.testing.assert_array_equal(disturbed['true_observation'], plain['observation'])


def test_start_states_goals_and_truth_are_those_of_undisturbed_sensors():
    plain, noisy = run([1, 2], ''), run([1, 2], 'object_noise_m,gripper_noise_m')
    assert has_truth(noisy)
    for name in ('observation', 'achieved_goal'):
        np.testing.assert_array_equal(noisy[f'true_{name}'], plain[name])
    for name in ('desired_goal', 'reward'):
        np.testing.assert_array_equal(noisy[name], plain[name])
    spread = (noisy['achieved_goal'] - noisy['true_achieved_goal']).std()
    assert spread == pytest.approx(0.01, rel=0.3)


def test_reward_and_success_follow_from_the_truth():
    rows = run([1, 2, 3, 4], 'object_bias_m:4,object_noise_m:4', steps=20)[1:]
    truth = rows['true_achieved_goal'], rows['desired_goal']
    np.testing.assert_array_equal(rows['reward'], PUSH.reward(*truth))
    np.testing.assert_array_equal(rows['is_success'], PUSH.is_success(*truth))


def test_an_environment_draws_from_its_seed_alone():
    together, alone = run([1, 2], 'all'), run([2], 'all')
    for name in DRAWN_FIELDS.values():
        np.testing.assert_array_equal(together[name][:, 1], alone[name][:, 0])
    for name in ('observation', 'true_observation', 'achieved_goal', 'reward'):
        np.testing.assert_array_equal(together[name][:, 1], alone[name][:, 0])


def test_every_episode_draws_anew_and_a_seed_repeats_it():
    batch = FetchBatch(PUSH, [1])
    disturber = Disturber(PUSH, batch, parse_disturbances('mass_scale'), [1])
    found = []
    for seeds in ([5], None, [5]):
        disturber.begin(seeds)
        found.append(float(disturber.drawn['mass_scale'][0, 0]))
    assert found[0] == found[2] != found[1]


def test_a_push_comes_once_in_an_episode():
    pushes = []

    class Pushed(FetchBatch):
        """Simulation that notes how its objects are pushed."""

        def push(self, velocities):
            pushes.append(velocities[0])

    batch = Pushed(PUSH, [1])
    disturber = Disturber(PUSH, batch, parse_disturbances('push_mps'), [1])
    disturber.begin()
    for _ in range(PUSH.episode_length):
        disturber.act(np.zeros((1, 4), np.float32))
    (velocity,) = pushes
    assert np.linalg.norm(velocity) == pytest.approx(disturber.drawn['push_mps'][0, 0])
    assert velocity[2] == 0.0


def test_an_error_of_the_yaw_turns_the_tool_about_the_base_of_the_arm():
    task = task_named('Reach', 'six_joint')
    batch = ArmBatch(task, [1])
    disturber = Disturber(task, batch, parse_disturbances('base_yaw_deg'), [1])
    disturber.begin()
    truth = batch.reset()
    turn = base_rotation(disturber.drawn)[0]
    from_base_m = truth.observation[0, :3] - load_scene(task).base_m
    seen = disturber.see(truth)[0][0, :3]
    assert not np.allclose(seen, truth.observation[0, :3])
    np.testing.assert_allclose(seen, load_scene(task).base_m + turn @ from_base_m, atol=1e-12)


@pytest.mark.parametrize(('disturb', 'limit'), [('action_scale', np.inf), ('lost_share', 1.0)])
def test_an_arm_moves_farther_than_a_full_action_if_scaled(disturb, limit):
    task = task_named('Reach', 'six_joint')
    batch = ArmBatch(task, [1])
    Disturber(task, batch, parse_disturbances(disturb), [1])
    assert batch.action_limit == limit
    start = batch.reset().achieved_goal
    far = batch.step([[0.0, 1.25, 0.0, 0.0]]).achieved_goal - start
    batch.reset(seeds=[1])
    full = batch.step([[0.0, 1.0, 0.0, 0.0]]).achieved_goal - start
    assert (far[0, 1] > 1.1 * full[0, 1]) == (limit > 1)


def test_each_episode_on_an_arm_has_a_block_of_its_own_mass():
    task = task_named('Push', 'six_joint')
    batch = ArmBatch(task, [1, 1])
    disturber = Disturber(task, batch, parse_disturbances('mass_scale'), [1, 2])
    disturber.begin()
    masses = batch._physics.expanded('body_mass')[:, batch._scene.object]
    np.testing.assert_allclose(masses, 0.1 * disturber.drawn['mass_scale'][:, 0], rtol=1e-6)
    assert masses[0] != masses[1]


def test_a_disturbance_that_does_not_act_on_the_task_is_refused_if_named():
    reach = TASKS['FetchReach']
    with pytest.raises(DisturbanceError, match="'push_mps' acts on an object, which FetchReach"):
        Disturber(reach, FetchBatch(reach, [1]), parse_disturbances('push_mps'), [1])
    disturber = Disturber(reach, FetchBatch(reach, [1]), parse_disturbances('all'), [1])
    disturber.begin()
    assert disturber.drawn['push_mps'][0, 0] == 0.0
    assert disturber.drawn['friction_scale'][0, 0] != 1.0


def test_a_simulation_without_physics_of_ours_is_named():
    class Other:
        """Simulation without physics."""

        def __len__(self):
            return 1

    with pytest.raises(SimError, match='FetchPush: its simulation has no mass_scale; name other'):
        Disturber(PUSH, Other(), parse_disturbances('mass_scale,lost_share'), [1])
    other = Disturber(PUSH, Other(), parse_disturbances('latency_periods'), [1])
    other.begin()
    state = GoalState(np.zeros((1, 25)), np.zeros((1, 3)), np.zeros((1, 3)))
    assert other.see(state)[0].shape == (1, 25)
