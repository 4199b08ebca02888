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

from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
import numpy as np
import pytest

PERIOD_S = 0.04
ARMS = ['six_joint', 'franka_panda', 'ufactory_xarm7', 'ur5e_2f85']


@pytest.fixture
def described(request):
    arm = arm_named(request.param)
    if arm.model.source.startswith('menagerie:'):
        request.getfixturevalue('menagerie')
    return arm, InverseKinematics(arm, kinematic_model(arm))


def walks(arm, periods, count, seed=0):
    """Yield targets within the workspace, up to 5 cm per axis from the ones before, (N, 3)."""
    random = np.random.default_rng(seed)
    low, high = np.array(arm.workspace.low), np.array(arm.workspace.high)
    target = np.tile([*arm.workspace.centre, arm.workspace.table_height + 0.2], (count, 1))
    for period in range(periods):
        if period % 5 == 0:  # often at full speed along all axes, held until it meets a wall
            action = random.choice([-1.0, 1.0], (count, 3)) * random.choice([1.0, 1.0, 0.3])
        target = np.clip(target + 0.05 * action, low, high)
        yield target


def tilt(ik, joints):
    """Return the angle between the tool and pointing down, rad."""
    rotation = ik.chain.tool_pose(joints)[1]
    cosine = (np.trace(ik.down.T @ rotation, axis1=-2, axis2=-1) - 1) / 2
    return np.arccos(np.clip(cosine, -1, 1))


@pytest.mark.parametrize('described', ARMS, indirect=True)
def test_the_tool_follows_at_full_speed_everywhere_and_points_down(described):
    arm, ik = described
    joints = np.tile(arm.arm.home, (40, 1))
    errors, tilts, changes = [], [], []
    for target in walks(arm, periods=400, count=40):  # so long that joints could drift
        before, joints = joints, ik.solve(joints, target)
        errors.append(np.linalg.norm(ik.chain.tool_pose(joints)[0] - target, axis=-1))
        tilts.append(tilt(ik, joints))
        changes.append(np.abs(joints - before).max(-1))
    assert np.percentile(errors, 99) < 2e-3
    assert np.percentile(tilts, 99) < 0.01
    assert np.max(changes) < 1.0


@pytest.mark.parametrize('described', ARMS, indirect=True)
def test_the_home_of_a_shipped_arm_points_down_in_the_middle(described):
    arm, ik = described
    position, _ = ik.chain.tool_pose(arm.arm.home)
    np.testing.assert_allclose(position[:2], arm.workspace.centre, atol=2e-3)
    assert arm.workspace.low[2] < position[2] < arm.workspace.high[2]
    assert tilt(ik, np.array(arm.arm.home)) < 1e-3


@pytest.mark.parametrize('described', ['six_joint'], indirect=True)
def test_one_state_is_solved_bit_for_bit_as_in_a_batch(described):
    _, ik = described
    random = np.random.default_rng(0)
    joints = random.uniform(ik.chain.lower, ik.chain.upper, (20, 6))  # some end at their limits
    target = ik.chain.tool_pose(joints)[0] + random.uniform(-0.1, 0.1, (20, 3))
    target[::2] = ik.chain.tool_pose(joints[::2])[0]  # these need fewer steps
    together = ik.solve(joints, target)
    alone = [
        ik.solve(one[None], there[None])[0] for one, there in zip(joints, target, strict=True)
    ]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize('described', ['six_joint', 'franka_panda'], indirect=True)
def test_out_of_reach_the_tool_stays_near_and_does_not_jump(described):
    arm, ik = described
    joints = np.array(arm.arm.home)
    start = ik.chain.tool_pose(joints)[0]
    distances, forward = [], np.array([1.0, 0.0, 0.0])
    for away in np.linspace(0.0, 1.5, 100):
        before, joints = joints, ik.solve(joints, start + away * forward)
        assert np.abs(joints - before).max() < 0.5
        assert np.all((joints >= ik.chain.lower) & (joints <= ik.chain.upper))
        distances.append(ik.chain.tool_pose(joints)[0][0] - start[0])
    for _ in range(50):
        joints = ik.solve(joints, start + 1.5 * forward)
    again = ik.solve(joints, start + 1.5 * forward)
    assert max(distances) > 0.2
    assert np.abs(again - joints).max() < 0.02


@pytest.mark.parametrize('described', ['six_joint'], indirect=True)
def test_no_joint_passes_its_limit(described):
    arm, ik = described
    ik.chain.upper[2] = arm.arm.home[2] + 0.05
    joints = np.tile(arm.arm.home, (20, 1))
    for target in walks(arm, periods=40, count=20):
        joints = ik.solve(joints, target)
        assert np.all((joints >= ik.chain.lower) & (joints <= ik.chain.upper))
    assert np.any(joints == ik.chain.upper)


@pytest.mark.parametrize('described', ['six_joint'], indirect=True)
def test_speed_limits_shorten_the_way_and_keep_its_direction(described):
    arm, ik = described
    home, displacement = np.array(arm.arm.home), np.array([0.0, 0.05, 0.0])
    start = ik.chain.tool_pose(home)[0]
    slow = ik.joints_after(home, displacement, PERIOD_S / 4)
    change = np.abs(slow - home) / (PERIOD_S / 4)
    assert change.max() == pytest.approx(arm.arm.max_speeds[0])
    moved = ik.chain.tool_pose(slow)[0] - start
    assert 0.005 < moved[1] < 0.045
    np.testing.assert_allclose(moved[[0, 2]], 0.0, atol=2e-3)
    fast = ik.chain.tool_pose(ik.joints_after(home, displacement, 10 * PERIOD_S))[0] - start
    np.testing.assert_allclose(fast, displacement, atol=1e-3)


@pytest.mark.parametrize('described', ['franka_panda'], indirect=True)
def test_an_arm_of_seven_joints_comes_back_to_its_home(described):
    arm, ik = described
    joints = np.tile(arm.arm.home, (20, 1))
    for target in walks(arm, periods=50, count=20):
        joints = ik.solve(joints, target)
    for _ in range(100):
        joints = ik.solve(joints, ik.chain.tool_pose(np.array(arm.arm.home))[0])
    np.testing.assert_allclose(joints, np.tile(arm.arm.home, (20, 1)), atol=0.02)


def test_a_joint_that_is_only_measured_stays(request):
    arm = arm_named('fetch')
    ik = InverseKinematics(arm, kinematic_model(arm))
    torso = ik.chain.names.index('robot0:torso_lift_joint')
    assert (~ik.chain.commanded).nonzero()[0].tolist() == [torso]
    joints = ik.home.copy()
    joints[torso] = 0.2
    raised = ik.chain.tool_pose(joints)[0]
    np.testing.assert_allclose(raised - ik.chain.tool_pose(ik.home)[0], [0, 0, 0.2], atol=1e-9)
    after = ik.solve(joints, raised + np.array([0.02, -0.03, 0.01]))
    assert after[torso] == 0.2
    moved = ik.chain.tool_pose(after)[0] - raised
    np.testing.assert_allclose(moved, [0.02, -0.03, 0.01], atol=1e-3)
