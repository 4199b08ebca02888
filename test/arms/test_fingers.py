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

from her_ros.arms.description import ArmDescription
from her_ros.arms.fingers import is_first_at_plus_y, wrong_side
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import arm_named
import mujoco
import pytest


def swapped(arm: ArmDescription) -> ArmDescription:
    """Return a description that names the other finger first."""
    gripper = dataclasses.replace(
        arm.gripper, joints=arm.gripper.joints[::-1], driver_joints=arm.gripper.driver_joints[::-1]
    )
    return dataclasses.replace(arm, gripper=gripper)


@pytest.mark.parametrize(('name', 'first'), [('six_joint', False), ('fetch', True)])
def test_fingers_that_slide_are_distinguished_in_any_order(name, first):
    arm = arm_named(name)
    assert is_first_at_plus_y(arm, kinematic_model(arm)) is first
    assert is_first_at_plus_y(swapped(arm), kinematic_model(arm)) is not first


def test_the_first_finger_of_a_panda_is_at_minus_y(menagerie):
    arm = arm_named('franka_panda')
    assert not is_first_at_plus_y(arm, kinematic_model(arm))


def test_fingers_that_turn_are_on_the_sides_of_their_axes():
    arm = arm_named('six_joint')
    # The tool points down with its y axis as that of the base: one knuckle at -y, one at +y.
    model = mujoco.MjModel.from_xml_string(
        """<mujoco><worldbody><body name="base"><site name="tool"/>
        <body pos="0 -0.03 0"><joint name="right_finger" axis="1 0 0"/><geom size="0.01"/></body>
        <body pos="0 0.03 0"><joint name="left_finger" axis="-1 0 0"/><geom size="0.01"/></body>
        </body></worldbody></mujoco>"""
    )
    assert not is_first_at_plus_y(arm, model)
    assert is_first_at_plus_y(swapped(arm), model)


def test_one_joint_moves_both_fingers(menagerie):
    arm = arm_named('ufactory_xarm7')
    assert is_first_at_plus_y(arm, kinematic_model(arm))


@pytest.mark.parametrize('name', ['six_joint', 'franka_panda'])
def test_the_side_in_a_description_is_that_of_the_model(menagerie, name):
    arm = arm_named(name)
    assert not [*wrong_side(arm, kinematic_model(arm))]
    unsaid = dataclasses.replace(swapped(arm).gripper, first_finger='')
    assert not [*wrong_side(dataclasses.replace(arm, gripper=unsaid), kinematic_model(arm))]
    (line,) = wrong_side(swapped(arm), kinematic_model(arm))
    first, side = arm.gripper.joints[1], arm.gripper.first_finger
    other = {'+y': '-y', '-y': '+y'}[side]
    assert line == f'gripper.first_finger: {first!r} moves the finger at {other}, not at {side}'
