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

"""``her-ros arms``: print the arms that are described, and what a check of one found."""

from her_ros.arms.check import check_arm
from her_ros.arms.registry import arm_named, ARMS
from her_ros.runtime.errors import HerRosError


def print_arms() -> None:
    """Print a line for every arm: joints and model, or why its description cannot be read."""
    width = max(map(len, ARMS))
    for name in ARMS:
        try:
            arm = arm_named(name)
        except HerRosError as error:
            print(f'{name:<{width}}  {error}')
            continue
        gripper = f' with {arm.model.gripper}' if arm.model.gripper else ''
        print(f'{name:<{width}}  {len(arm.arm.joints)} joints  {arm.model.source}{gripper}')


def print_check(name: str) -> int:
    """
    Print the findings of a check of an arm; return the exit status.

    :raises ArmError: if there is no such arm, or its description or model cannot be read
    """
    checked = check_arm(arm_named(name))
    for fault in checked.faults:
        print(f'{name}: {fault}')
    for note in checked.notes:
        print(f'{name}: note: {note}')
    for ability in checked.abilities:
        print(f'{name}: {ability}')
    count = len(checked.faults)
    print(f'{name}: {count or "no"} {"fault" if count == 1 else "faults"}')
    return int(count > 0)
