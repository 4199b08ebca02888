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

import os
from pathlib import Path
import shutil
import subprocess
import sys

from packages import write_metadata

OLD_BAG = Path(__file__).parents[2] / 'data' / 'first_row_format.mcap'
# In a process of its own: suffixes are listed when the module is imported.
PROGRAM = """
import sys
from pathlib import Path
from her_ros.bags.recording import Recording
from her_ros.bags.sources import expand
(path,) = expand([Path(sys.argv[1])])
for storage in Recording(path).files():
    print(path.name, type(storage).__name__, *storage.topics)
"""


def test_a_storage_of_another_package_reads_files_with_its_suffix(tmp_path):
    write_metadata(
        tmp_path / 'tapes',
        'tapes',
        {'her_ros.storages': {'tape': 'her_ros.bags.storage.mcap:McapStorage'}},
    )
    folder = tmp_path / 'recorded'
    folder.mkdir()
    shutil.copy(OLD_BAG, folder / 'a.tape')
    path = os.pathsep.join([str(tmp_path / 'tapes'), os.environ.get('PYTHONPATH', '')])
    ended = subprocess.run(
        [sys.executable, '-c', PROGRAM, folder],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
    )
    name, kind, *topics = ended.stdout.split()
    assert (name, kind) == ('a.tape', 'McapStorage'), ended.stderr
    assert any(topic.endswith('step') for topic in topics)
