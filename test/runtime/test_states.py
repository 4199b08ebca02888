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

from her_ros.runtime.states import GoalStatus, Outcome, Recovery, RobotState, WaitsFor


def test_the_values_in_result_files_parameters_and_diagnostics_stay():
    """Files of earlier versions hold them, and programs of others read them."""
    assert [*Outcome] == ['solved', 'limit', 'trained']
    assert [*Recovery] == ['automatic', 'latched']
    assert [*RobotState] == ['waiting', 'about to begin', 'coming home', 'acting']
    assert [*GoalStatus] == [
        '', 'accepted', 'acting', 'refused', 'reached', 'missed', 'given up', 'set',
    ]  # fmt: skip
    assert [*WaitsFor] == [
        '', 'its activation', 'a policy', 'pause to end', 'a trainer',
        'the trainer to ask for more', 'an action', 'bags', 'the evaluation',
        'a policy to evaluate', 'inputs', 'the policy', 'a goal',
    ]  # fmt: skip


def test_only_nothing_to_wait_for_is_false():
    assert [each for each in WaitsFor if not each] == [WaitsFor.NOTHING]
