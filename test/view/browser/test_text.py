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

from her_ros.view.browser.colors import BLUE
from her_ros.view.browser.text import legend, status


def said(**more):
    given = {'distance_m': 0.123, 'is_success': False, 'is_over': False, 'lines': ['<b>']}
    return status(**{**given, **more})


def test_the_state_of_an_episode_in_words():
    assert '12.3 cm to the goal' in said()
    assert 'at the goal' in said(is_success=True)
    assert 'reached' in said(is_success=True, is_over=True)
    assert 'missed by 12.3 cm' in said(is_over=True)


def test_text_is_no_html():
    assert '&lt;b&gt;' in said()
    assert '&lt;i&gt;' in legend([('<i>', BLUE)])
