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

from dataclasses import asdict
import json

from her_ros.runtime.join_file import JoinError, JoinFile, read_join_file
import pytest

FILE = JoinFile(
    'a1', 'FetchReach', 'lab/run', 7, 'far', True, '10.0.0.1:11811', '', {'her_ros': '0.1.0'},
    {'task': 'f00'}, 'x',
)  # fmt: skip
# Values of the right type that must not reach nodes, their environment or a terminal.
UNFIT = {
    'identity': ('', 'ä', 'a b', 'a' * 65, '\ud800'),
    'task': ('\x1b[31mFetchReach', 'Fetch\nReach', '\ud800'),
    'namespace': ('', 'a/../../b c', '/lab/run', '1a', 'a -p b:=c'),
    'domain': (True, -1, 233),
    'host': ('', 'h;mode="router"', 'h"]', '\x1b[2J', 'a b'),
    'discovery_server': ('a b', '\x00', '10.0.0.1\x1b'),
    'middleware': ('a\x00b', 'rmw zenoh', '/lib/evil', 'RMW=1'),
    'versions': ({'her_ros': '0\x1b'}, {'her_ros': '\ud800'}, {'host': '\n'}),
    'digests': ({'task': '0\x1b'}, {'arm': '\ud800'}),
    'parameters': ('\ud800',),
    'is_open': (1,),
}


def test_what_is_read_is_what_was_written(tmp_path):
    FILE.write(tmp_path / 'join.json')
    assert read_join_file(tmp_path / 'join.json') == FILE


@pytest.mark.parametrize(
    ('content', 'part'),
    [
        ('', 'not a readable join.json'),
        ('[]', 'list instead of an object'),
        ('[' * 100_000, 'not a readable join.json'),
        (json.dumps(asdict(FILE) | {'domain': '7'}), 'domain is a str'),
        (json.dumps(asdict(FILE) | {'versions': {'her_ros': 1}}), 'versions are no texts'),
        (json.dumps({'domain': 7}), 'missing or unknown: digests, discovery_server'),
        (json.dumps(asdict(FILE) | {'parameters': 'x' * (1 << 20)}), 'not a readable join.json'),
        *(
            (json.dumps(asdict(FILE) | {name: value}), 'not a readable join.json')
            for name, values in UNFIT.items()
            for value in values
        ),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content, part):
    (tmp_path / 'join.json').write_text(content)
    with pytest.raises(JoinError, match=part) as refused:
        read_join_file(tmp_path / 'join.json')
    assert str(refused.value).isprintable()
    assert refused.value.cure


def test_without_a_file_the_line_says_who_writes_it(tmp_path):
    with pytest.raises(JoinError, match='no such file; `her-ros train` writes it'):
        read_join_file(tmp_path / 'join.json')
