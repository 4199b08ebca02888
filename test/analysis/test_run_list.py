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

import re

from her_ros.orchestration.prepare import prepare_run


def cells(output):
    lines = [[cell.strip() for cell in re.split('[│┃]', line)] for line in output.splitlines()]
    return [line[1:-1] for line in lines if len(line) > 2]


def test_every_run_has_a_line_and_damage_is_named(her_ros, tmp_path, finish):
    solved, _, damaged = (
        prepare_run('FetchReach', tmp_path, name).folder for name in ('a', 'b', 'c')
    )
    finish(solved, [(400, 0.25), (12_000, 0.99)], 'solved', wall_s=3723.0)
    damaged.result.write_text('{}')
    ended = her_ros('runs', 'list', tmp_path)
    assert ended.status == 0
    assert cells(ended.output) == [
        ['run', 'state', 'success', 'env steps', 'updates', 'time'],
        ['FetchReach/a', 'solved', '0.99', '12,000', '6,000', '1 h 02 min'],
        ['FetchReach/b', 'unfinished', '–', '0', '0', '0 min 00 s'],
        ['FetchReach/c', 'damaged', '–', '0', '0', '0 min 00 s'],
    ]
    assert ended.output.splitlines()[-1].startswith(f'{damaged.result}: not a readable result')


def test_where_there_are_no_runs_one_line_says_so(her_ros, tmp_path):
    for folder, part in (
        (tmp_path, 'no runs; `her-ros train`'),
        (tmp_path / 'a', 'no such folder'),
    ):
        ended = her_ros('runs', 'list', folder)
        assert (ended.status, ended.output) == (1, '')
        (line,) = ended.errors.splitlines()
        assert part in line
