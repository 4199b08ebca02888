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

"""Files that come with the package."""

from importlib.resources import files
from pathlib import Path

from her_ros.config.schema import ConfigError


def shipped(path: Path, problem: str, cure: str = 'install her_ros again') -> Path:
    """
    Return a file that comes with the package.

    :param path: relative to the source tree, such as ``config/FetchPush.yaml``
    :param problem: for the error, as is ``cure``
    :raises ConfigError: if there is none
    """
    for folder in shipped_folders():
        if (folder / path).is_file():
            return folder / path
    raise ConfigError(f'{problem} ({(shipped_folders()[-1] / path).parent})', cure)


def shipped_folders() -> list[Path]:
    """Return the folders of a source tree, an installation and an ament package."""
    package = Path(str(files('her_ros')))
    # From lib/python3.x/site-packages, of pip and of colcon, up to the share/ beside lib/.
    shares = [parent / 'share' / 'her_ros' for parent in package.parents]
    folders = [package.parent, *(share for share in shares if share.is_dir())]
    try:
        from ament_index_python.packages import get_package_share_directory

        folders.append(Path(get_package_share_directory('her_ros')))
    except (ImportError, LookupError, OSError):  # OSError: no ROS set up
        pass
    return folders
