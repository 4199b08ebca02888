import json
from dataclasses import asdict

import pytest

from her_ros.runtime.join_file import JoinError, JoinFile, read_join_file

FILE = JoinFile(
    'a1', 'FetchReach', 'lab/run', 7, 'far', True, '10.0.0.1:11811', '', {'her_ros': '0.1.0'}, 'x'
)


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
        (json.dumps({'domain': 7}), 'missing or unknown: discovery_server, host'),
        (json.dumps(asdict(FILE) | {'parameters': 'x' * (1 << 20)}), 'not a readable join.json'),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content, part):
    (tmp_path / 'join.json').write_text(content)
    with pytest.raises(JoinError, match=part) as refused:
        read_join_file(tmp_path / 'join.json')
    assert '\n' not in str(refused.value)
    assert refused.value.cure


def test_without_a_file_the_line_says_who_writes_it(tmp_path):
    with pytest.raises(JoinError, match='no such file; `her-ros train` writes it'):
        read_join_file(tmp_path / 'join.json')
