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
from card_section import HEADING, with_section

ROWS = [('a_batch', 100, 1.0, '0.963 to 1.000'), ('c_robot', 100, 0.95, '0.888 to 0.978')]
CARD = '# FetchPush\n\nA policy.\n\n## Under disturbances\n\n| none |\n'


def test_a_measurement_is_added_to_a_card():
    card = with_section(CARD, 'python bench/robot.py', ROWS, 3)
    assert card.startswith(CARD)
    assert '| simulated robot, bridge and policy, in real time | 100 | 0.950 (0.888 to' in card
    assert 'and replaced: 3.' in card


def test_a_later_measurement_replaces_the_earlier_one_and_nothing_else():
    first = with_section(CARD, 'python bench/robot.py --first', ROWS, 3)
    behind = first + '\n## Notes\n\nA line.\n'
    second = with_section(behind, 'python bench/robot.py --second', ROWS[:1], 0)
    assert second.count(HEADING) == 1
    assert '--first' not in second
    assert '0.950' not in second
    assert second.index('## Under disturbances') < second.index('## Notes\n\nA line.')
