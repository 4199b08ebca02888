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

from her_ros.orchestration.prepare import prepare_run


def test_the_page_of_a_run_shows_all_that_her_did(her_ros, learning_run, finish):
    finish(learning_run, [(400, 0.5)], 'solved')
    ended = her_ros('report', learning_run.path)
    assert ended.status == 0, ended.errors
    assert ended.output.split() == [str(learning_run.path / 'report.html')]
    text = (learning_run.path / 'report.html').read_text('utf-8')
    assert 'with those that HER puts in' in text
    assert 'put in for one state' in text


def test_runs_are_compared_in_a_page_of_their_own(her_ros, tmp_path):
    runs = [prepare_run('FetchReach', tmp_path, name).folder.path for name in 'ab']
    out = tmp_path / 'both.html'
    ended = her_ros('report', *runs, '--out', out)
    assert ended.status == 0, ended.errors
    assert ended.output.split() == [str(out)]
    assert '2 runs compared' in out.read_text('utf-8')


def test_what_is_no_run_is_one_line(her_ros, tmp_path):
    ended = her_ros('report', tmp_path)
    assert (ended.status, ended.output) == (1, '')
    (line,) = ended.errors.splitlines()
    assert f'{tmp_path}: not a run' in line
