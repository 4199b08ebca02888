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
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.disturbed.physics import bodies_of, changed_fields, object_lift
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.disturbances import neutral
from her_ros.tasks.registry import task_named, TASKS
import mujoco
import numpy as np
import pytest

PUSH = TASKS['FetchPush']
STILL = np.zeros((2, 4), np.float32)
ON_ARM = task_named('Push', 'six_joint')


@pytest.fixture(params=[(FetchBatch, PUSH), (ArmBatch, ON_ARM)], ids=['fetch', 'arm'])
def make(request):
    """Return a function that makes a batch of two equal environments."""
    kind, task = request.param
    return lambda: kind(task, [1, 1])


def disturbed(batch, **values):
    drawn = neutral(2)
    for name, value in values.items():
        drawn[name] = value
    batch.disturb(drawn)
    return batch


def test_neutral_values_leave_every_bit_as_it_is(make):
    plain, neutral_one = make(), disturbed(make())
    random = np.random.default_rng(0)
    states = [plain.reset(), neutral_one.reset()]
    for _ in range(20):
        for one, other in zip(*states, strict=True):
            assert one.tobytes() == other.tobytes()
        action = random.uniform(-1, 1, (2, 4)).astype(np.float32)
        states = [plain.step(action), neutral_one.step(action)]


def test_fields_of_the_model_are_scaled():
    model = load_model(PUSH).mujoco_model
    bodies = bodies_of(model)
    drawn = neutral(1)
    for name, value in {
        'friction_scale': 0.5, 'mass_scale': 2.0, 'damping_scale': 1.5, 'object_size_scale': 1.1,
    }.items():  # fmt: skip
        drawn[name] = value
    found = changed_fields(model, bodies, drawn)
    block, geom = bodies.object, model.body_geomadr[bodies.object]
    np.testing.assert_array_equal(found['geom_friction'], 0.5 * model.geom_friction)
    assert found['body_mass'][block] == 2 * model.body_mass[block]
    assert found['body_mass'].sum() == pytest.approx(model.body_mass.sum() + 2.0)
    np.testing.assert_allclose(found['geom_size'][geom], 0.0275, rtol=1e-6)
    # Of a cube: mass times edge² / 6.
    np.testing.assert_allclose(found['body_inertia'][block], 4.0 * 0.055**2 / 6, rtol=1e-6)
    dofs = np.flatnonzero(found['dof_damping'] != model.dof_damping)
    np.testing.assert_allclose(found['dof_damping'][dofs], 0.015, rtol=1e-6)
    assert set(model.dof_bodyid[dofs]) == {block}


def test_blocks_of_any_size_rest_on_tables_of_any_height(make):
    # The half of a block is 2.5 cm.
    rest = make().reset().observation[:, 5] + [-0.01 - 0.0025, 0.02 + 0.0025]
    batch = disturbed(make(), object_size_scale=[[0.9], [1.1]], table_height_m=[[-0.01], [0.02]])
    first = batch.reset().observation[:, 5]
    for _ in range(10):
        state = batch.step(STILL)
    np.testing.assert_allclose(first, rest, atol=3e-4)
    np.testing.assert_allclose(state.observation[:, 5], first, atol=3e-4)


def test_a_push_moves_the_block_until_friction_stops_it(make):
    batch = disturbed(make(), friction_scale=[[1.0], [2.0]])
    start = batch.reset().achieved_goal
    batch.push(np.tile([0.3, 0.0, 0.0], (2, 1)))
    for _ in range(10):
        state = batch.step(STILL)
    moved = (state.achieved_goal - start)[:, 0]
    assert moved[0] > 0.002
    # Twice the friction, half of the way: v² / (2 μ g); the block tips a little.
    assert moved[1] == pytest.approx(moved[0] / 2, rel=0.4)


def test_the_weld_to_the_mocap_stays():
    batch = disturbed(FetchBatch(PUSH, [1, 1]), mass_scale=2.0)
    model = load_model(PUSH).mujoco_model
    np.testing.assert_array_equal(batch._physics.expanded('eq_data')[0], model.eq_data)
    assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, 'table0') == bodies_of(model).table
    assert not object_lift(model, neutral(3)).any()
