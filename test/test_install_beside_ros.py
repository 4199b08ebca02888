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

from pathlib import Path
import subprocess

SCRIPT = Path(__file__).parent.parent / 'install_beside_ros.sh'


def test_it_is_shell_and_says_in_one_line_that_ros_is_missing(tmp_path):
    subprocess.run(['bash', '-n', SCRIPT], check=True, timeout=20.0)
    ended = subprocess.run(
        ['bash', SCRIPT, str(tmp_path / 'venv')],
        env={'ROS_SETUP': str(tmp_path / 'setup.bash'), 'PATH': '/usr/bin:/bin'},
        capture_output=True,
        text=True,
        timeout=20.0,
    )
    assert (ended.returncode, ended.stdout) == (1, '')
    assert ended.stderr == (
        f'{tmp_path}/setup.bash: cannot be read; install ros-jazzy-ros-base, or set ROS_SETUP\n'
    )
    assert not list(tmp_path.iterdir())
