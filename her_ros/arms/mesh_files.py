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

"""Find the meshes that a URDF names by ROS package or by URL."""

import os
from pathlib import Path

import mujoco

_PACKAGE, _FILE = 'package://', 'file://'
#: what to do about a package that was not found
CURE = (
    'source the ROS workspace that has the package, keep the URDF in the folder of the package, or'
    ' write the paths of the meshes relative to the URDF'
)


def find_meshes(spec: mujoco.MjSpec, model: Path | None = None) -> None:
    """
    Replace ``package://PACKAGE/FILE`` and ``file:///FILE`` of meshes by paths.

    A mesh that is not found keeps its name: the joints can be used without it.

    :param model: file of the model, which may lie in the folder of the package; None: a text
    """
    for mesh in spec.meshes:
        if mesh.file.startswith(_FILE):
            mesh.file = mesh.file.removeprefix(_FILE)
        elif mesh.file.startswith(_PACKAGE):
            package, _, name = mesh.file.removeprefix(_PACKAGE).partition('/')
            found = (folder / name for folder in _folders(package, model))
            path = next((path for path in found if path.is_file()), None)
            mesh.file = mesh.file if path is None else str(path)


def _folders(package: str, model: Path | None) -> list[Path]:
    """List the folders that a package may have: around the model, then those of ROS."""
    around = model.absolute().parents if model else ()
    prefixes = filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep))
    return [
        *(folder for folder in around if folder.name == package),
        *(Path(prefix, 'share', package) for prefix in prefixes),
    ]
