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

import json
import os
import zlib

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolderError
from her_ros.runtime.run_result import read_result
import pytest

EVALUATION = {
    'version': 3, 'sha256': 'f' * 64, 'env_steps': 40, 'updates': 20, 'wall_s': 1.5,
    'episodes': 10, 'success_rate': 0.5, 'solved_at_reset': 0.0,
}  # fmt: skip
RESULT = {
    'task': 'FetchReach', 'outcome': 'limit', 'success_rate': 0.5, 'best_success_rate': None,
    'env_steps': 40, 'episodes': 4, 'updates': 20, 'wall_s': 2, 'seed': 0,
    'evaluations': [EVALUATION],
}  # fmt: skip
WRONG = [
    b'', b'{"outcome":', b'[1]', b'null', b'7', b'"text"', b'{}', b'\xff\xfe\0{}', b'[' * 100_000,
    b'{"a":' * 100_000, zlib.compress(b'x' * 1000), b'\0' * 1000,
    *(
        json.dumps({**RESULT, key: value}).encode()
        for key, value in (
            ('outcome', 3), ('env_steps', '40'), ('evaluations', {}), ('evaluations', [7]),
            ('evaluations', [{}]), ('success_rate', [0.5]), ('wall_s', None),
        )
    ),
    *(json.dumps({k: v for k, v in RESULT.items() if k != key}).encode() for key in RESULT),
]  # fmt: skip


@pytest.mark.parametrize('content', WRONG)
def test_a_damaged_result_is_one_line_with_the_cure(tmp_path, content):
    path = tmp_path / 'result.json'
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=f'^{path}: not a readable result') as caught:
        read_result(path)
    assert str(caught.value).endswith('without the file the run goes on')
    assert '\n' not in str(caught.value)


def test_a_result_is_read_as_it_was_written(tmp_path):
    path = tmp_path / 'result.json'
    path.write_text(json.dumps(RESULT, indent=1))
    assert read_result(path) == RESULT


def test_a_result_that_is_too_large_or_no_file_is_named(tmp_path):
    path = tmp_path / 'result.json'
    with path.open('wb') as file:
        file.truncate(1 << 30)
    with pytest.raises(RunFolderError, match='1073741824 bytes'):
        read_result(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(HerRosError, match='not a regular file'):
        read_result(path)
