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

"""Tell the fingers of a gripper apart."""

from collections.abc import Iterator

from her_ros.arms.chain import tool_frame
from her_ros.arms.description import ArmDescription
import mujoco
import numpy as np

_SLIDE = int(mujoco.mjtJoint.mjJNT_SLIDE)


def is_first_at_plus_y(description: ArmDescription, model: mujoco.MjModel) -> bool:
    """
    Tell whether the finger that the first joint moves is at +y when the tool points down.

    A finger that slides is on the side to which it opens, one that turns on that of its axis.

    :param model: has the names of the description
    """
    gripper = description.gripper
    if len(gripper.joints) < 2:
        return True
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    first, second = (model.joint(name).id for name in gripper.joints)
    if model.jnt_type[first] == _SLIDE:
        side = (data.xaxis[first] - data.xaxis[second]) * (gripper.open - gripper.closed)
    else:
        side = data.xanchor[first] - data.xanchor[second]
    # From the world of the model to the frame of the tool, and as this lies when it points down.
    in_tool, down = tool_frame(description, data).xmat.reshape(3, 3).T @ side, np.empty(3)
    mujoco.mju_rotVecQuat(down, in_tool, np.array(description.tool.down_quaternion))
    return bool(down[1] > 0.0)


def wrong_side(description: ArmDescription, model: mujoco.MjModel) -> Iterator[str]:
    """Yield a line if ``gripper.first_finger`` is the side of the other finger."""
    gripper = description.gripper
    side = '+y' if is_first_at_plus_y(description, model) else '-y'
    if len(gripper.joints) == 2 and gripper.first_finger not in ('', side):
        yield (
            f'gripper.first_finger: {gripper.joints[0]!r} moves the finger at {side}, not at'
            f' {gripper.first_finger}'
        )
