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

import dataclasses

from her_ros.arms.chain import JointChain, tool_frame
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
import mujoco
import numpy as np
import pytest

# The base stands and lies askew, the joints slide and turn, and a position of 0 is not where the
# model is drawn.
ODD = """<mujoco><compiler angle="radian" autolimits="true"/><worldbody>
  <body name="base" pos="0.3 -0.2 0.5" euler="0.3 0.4 -0.7"><geom size="0.01"/>
    <body pos="0 0 0.2"><joint name="a" axis="0 0 1" ref="0.4" pos="0.02 0 0"/><geom size="0.01"/>
      <body pos="0.1 0 0.3" euler="0 0.5 0"><joint name="b" type="slide" axis="1 1 0"/>
        <geom size="0.01"/>
        <body pos="0 0.2 0"><joint name="c" axis="0 1 0" range="-1 2"/><geom size="0.01"/>
          <body name="hand" pos="0.2 0 0" euler="1 0 0"><geom size="0.01"/></body>
        </body>
      </body>
    </body>
  </body>
</worldbody></mujoco>"""


def mujoco_says(description, model, joints):
    """Return position and axes of the tool and its Jacobian, in the axes of the base."""
    data = mujoco.MjData(model)
    ids = [model.joint(name).id for name in description.arm.joints]
    data.qpos[model.jnt_qposadr[ids]] = joints
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    base = data.body(description.arm.base_body)
    turn, frame = base.xmat.reshape(3, 3), tool_frame(description, data)
    axes = frame.xmat.reshape(3, 3)
    point = frame.xpos + axes @ description.tool.offset
    jacobian = np.zeros((6, model.nv))
    body = model.body('hand').id
    mujoco.mj_jac(model, data, jacobian[:3], jacobian[3:], point, body)
    jacobian = np.vstack([turn.T @ jacobian[:3], turn.T @ jacobian[3:]])
    return turn.T @ (point - base.xpos), turn.T @ axes, jacobian[:, model.jnt_dofadr[ids]]


@pytest.fixture(params=['six_joint', 'odd'])
def described(request):
    arm = arm_named('six_joint')
    if request.param == 'six_joint':
        return arm, kinematic_model(arm)
    joints = dataclasses.replace(
        arm.arm, joints=('a', 'b', 'c'), driver_joints=(), home=(0.0,) * 3, max_speeds=(1.0,)
    )
    tool = dataclasses.replace(arm.tool, frame='hand', offset=(0.1, -0.2, 0.3))
    return dataclasses.replace(arm, arm=joints, tool=tool), mujoco.MjModel.from_xml_string(ODD)


def test_pose_and_jacobian_are_those_of_mujoco(described):
    chain = JointChain(*described)
    joints = np.random.default_rng(0).uniform(-1, 1, (4, 5, len(chain.lower)))
    state = chain.tool_state(joints)
    position, rotation = chain.tool_pose(joints)
    for index in np.ndindex(4, 5):
        expected = mujoco_says(*described, joints[index])
        for found, value in zip(state, expected, strict=True):
            np.testing.assert_allclose(found[index], value, atol=1e-12)
    np.testing.assert_array_equal(position, state.position)
    np.testing.assert_array_equal(rotation, state.rotation)


def test_a_joint_without_limits_has_none(described):
    chain = JointChain(*described)
    if len(chain.lower) == 3:
        assert chain.lower.tolist() == [-np.inf, -np.inf, -1]
        assert chain.upper.tolist() == [np.inf, np.inf, 2]
        assert chain.turning.tolist() == [True, False, True]
    else:
        assert chain.lower.tolist() == [-3.1, -2, 0, -3.1, -1.5, -3.1]
