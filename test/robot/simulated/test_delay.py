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

from her_ros.robot.simulated.delay import Delay


def test_messages_are_held_until_they_are_due_in_that_order():
    delay = Delay()
    for tick in range(4):
        delay.put(tick, 0.04 + 0.01 * tick)
    assert delay.taken(0.039) == []
    assert delay.taken(0.055) == [0, 1]
    assert delay.taken(0.055) == []
    delay.put(5, 0.065)  # a later one that takes less time
    assert delay.taken(1.0) == [2, 5, 3]


def test_messages_that_are_due_at_once_keep_their_order():
    delay = Delay()
    for message in ({'b': 1}, {'a': 2}):
        delay.put(message, 1.0)
    assert delay.taken(1.0) == [{'b': 1}, {'a': 2}]
