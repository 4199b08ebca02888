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

"""Find and load the MuJoCo model of a described arm."""

import importlib.util
from pathlib import Path
from typing import Any

from her_ros.arms.check_model import wrong_chain, wrong_names
from her_ros.arms.description import ArmDescription
from her_ros.arms.errors import ArmError
from her_ros.arms.mechanics import GRIPPER_PREFIX
from her_ros.arms.mesh_files import CURE, find_meshes
from her_ros.wire.topics import ROBOT_DESCRIPTION
import mujoco

_MENAGERIE = 'menagerie:'
_PYTHON = 'python:'


def load_spec(description: ArmDescription) -> mujoco.MjSpec:
    """
    Load the model of an arm, with its gripper attached, for changes before it is compiled.

    Bodies without joints keep their names, also those of a URDF.

    :raises ArmError: if a file is missing or MuJoCo refuses it, or there is no place to attach to
    """
    files = description.model
    if description.urdf and files.source == ROBOT_DESCRIPTION:
        spec = _parsed_text(description.urdf)
    else:
        spec = _parsed(model_path(files.source, description.folder))
    if files.gripper:
        gripper = _parsed(model_path(files.gripper, description.folder))
        place = spec.site(files.attach_to) or spec.body(files.attach_to)
        if place is None:
            raise ArmError(
                f'attach_to: the model has no site or body {files.attach_to!r}',
                f'it has {_names(spec)}',
            )
        _take_options(gripper, spec)
        frame = place if isinstance(place, mujoco.MjsSite) else place.add_frame()
        where = {'site' if frame is place else 'frame': frame}
        spec.attach(gripper, prefix=GRIPPER_PREFIX, **where)
    return spec


def compile_spec(spec: mujoco.MjSpec, description: ArmDescription) -> mujoco.MjModel:
    """
    Compile a model.

    :raises ArmError: if MuJoCo refuses it
    """
    try:
        return spec.compile()
    except ValueError as error:
        raise _refused(description.model.source, error) from error


def kinematic_model(description: ArmDescription) -> mujoco.MjModel:
    """
    Load the joints of an arm and its gripper, without shapes and without a physics of its own.

    Files of meshes are not read, and may be missing.

    :raises ArmError: as :func:`load_spec` and :func:`compile_spec`
    """
    spec = load_spec(description)
    parts = (
        spec.geoms, spec.meshes, spec.textures, spec.materials, spec.actuators, spec.tendons,
        spec.equalities, spec.keys, spec.sensors, spec.excludes, spec.pairs,
    )  # fmt: skip
    for part in (each for list_ in parts for each in [*list_]):
        spec.delete(part)
    # A body of which only shapes tell the mass has none now, which MuJoCo would refuse.
    spec.compiler.boundmass, spec.compiler.boundinertia = 1e-3, 1e-6
    return compile_spec(spec, description)


def arm_model(description: ArmDescription) -> mujoco.MjModel:
    """
    Load the joints of an arm and its gripper, as the description names them.

    :raises ArmError: as :func:`kinematic_model`, or if the model lacks a joint or body that the
        description names, or the joints do not lead from base to tool
    """
    spec, model = load_spec(description), kinematic_model(description)
    if faults := wrong_names(description, spec) or [*wrong_chain(description, spec, model)]:
        raise ArmError(faults[0], 'her-ros arms check names all faults', description.name)
    return model


def model_path(source: str, folder: Path) -> Path:
    """
    Return where the file of a model lies; one of the menagerie is downloaded once.

    :param source: as :class:`~her_ros.arms.description.ModelFiles` says
    :param folder: what a relative path is relative to
    :raises ArmError: if there is no such file, or it cannot be downloaded
    """
    if source == ROBOT_DESCRIPTION:
        raise ArmError(
            f'the model is the topic {ROBOT_DESCRIPTION}, which only a robot that runs publishes',
            'save it, ros2 param get --hide-type /robot_state_publisher robot_description >'
            ' my_robot.urdf, and name the file as model.source',
        )
    if source.startswith(_MENAGERIE):
        return _menagerie_path(source, source.removeprefix(_MENAGERIE))
    if source.startswith(_PYTHON):
        package, _, name = source.removeprefix(_PYTHON).partition('/')
        try:
            found = importlib.util.find_spec(package)
        except (ImportError, ValueError):  # of a package around it, or a name that cannot be one
            found = None
        if found is None or not found.submodule_search_locations:
            raise ArmError(f'{source}: the package {package!r} is not installed', 'install it')
        path = Path(found.submodule_search_locations[0]) / name
    else:
        path = folder / source
    if not path.is_file():
        raise ArmError(f'{path} is missing', 'correct the path', source=source)
    return path


def _menagerie_path(source: str, name: str) -> Path:
    folder, _, file = name.partition('/')
    try:
        import mujoco_menagerie
    except ImportError:
        raise ArmError(
            f'{source}: the package mujoco-menagerie is not installed',
            'pip install mujoco-menagerie',
        ) from None
    try:
        path: Path = mujoco_menagerie.get(folder).path() / file
    except (mujoco_menagerie.MenagerieError, OSError) as error:
        reason = ' '.join(str(error).split())
        raise ArmError(
            f'{source} cannot be downloaded: {reason}',
            'it is downloaded once, so connect to the internet, or name a folder with copies in'
            ' MENAGERIE_ROOT',
        ) from error
    if not path.is_file():
        raise ArmError(f'{source}: {folder} has no file {file!r}', 'correct the name')
    return path


def _parsed(path: Path) -> mujoco.MjSpec:
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise _refused(path, error) from error
    spec.compiler.fusestatic = False
    find_meshes(spec, path)
    return spec


def _parsed_text(urdf: str) -> mujoco.MjSpec:
    try:
        spec = mujoco.MjSpec.from_string(urdf)
    except ValueError as error:
        raise _refused(ROBOT_DESCRIPTION, error) from error
    spec.compiler.fusestatic = False
    find_meshes(spec)
    return spec


def _refused(source: object, error: Exception) -> ArmError:
    reason = ' '.join(str(error).split())
    return ArmError(
        f'MuJoCo {mujoco.__version__} cannot load it: {reason}',
        CURE if 'package:' in reason else 'correct it, or name another file',
        source,
    )


def _take_options(child: mujoco.MjSpec, parent: mujoco.MjSpec) -> None:
    """Give the gripper the arm's physics options, which it would otherwise conflict with."""
    for name in dir(parent.option):
        if not name.startswith('_'):
            value: Any = getattr(parent.option, name)
            setattr(child.option, name, value)


def _names(spec: mujoco.MjSpec) -> str:
    return ', '.join(each.name for each in (*spec.sites, *spec.bodies) if each.name)
