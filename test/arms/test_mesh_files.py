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

import dataclasses
from pathlib import Path

from her_ros.arms.errors import ArmError
from her_ros.arms.mesh_files import find_meshes
from her_ros.arms.model_files import compile_spec, load_spec
from her_ros.arms.registry import arm_named
import mujoco
import pytest

URDF = """<robot name="one"><link name="base"/><link name="arm">
  <inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><geometry><mesh filename="{}"/></geometry></collision></link>
  <joint name="turn" type="continuous"><parent link="base"/><child link="arm"/>
  <axis xyz="0 0 1"/></joint></robot>"""
TETRAHEDRON = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n'


@pytest.fixture(autouse=True)
def no_ros(monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)


def mesh_of(folder, name):
    """Write a URDF that names a mesh; return the description of an arm with it."""
    model = folder / 'urdf' / 'arm.urdf'
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text(URDF.format(name))
    arm = arm_named('six_joint')
    files = dataclasses.replace(arm.model, source='arm.urdf')
    return dataclasses.replace(arm, model=files, folder=model.parent)


def written(folder):
    path = folder / 'meshes' / 'arm.obj'
    path.parent.mkdir(parents=True)
    path.write_text(TETRAHEDRON)
    return path


def test_a_package_around_the_urdf_has_its_meshes(tmp_path):
    written(tmp_path / 'my_arm')
    arm = mesh_of(tmp_path / 'my_arm', 'package://my_arm/meshes/arm.obj')
    assert compile_spec(load_spec(arm), arm).nmesh == 1


def test_a_package_of_ros_has_its_meshes(tmp_path, monkeypatch):
    written(tmp_path / 'install' / 'share' / 'my_arm')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path / "other"}:{tmp_path / "install"}')
    arm = mesh_of(tmp_path, 'package://my_arm/meshes/arm.obj')
    assert compile_spec(load_spec(arm), arm).nmesh == 1


def test_the_url_of_a_file_is_its_path(tmp_path):
    arm = mesh_of(tmp_path, f'file://{written(tmp_path)}')
    assert compile_spec(load_spec(arm), arm).nmesh == 1


def test_a_mesh_of_a_package_that_is_not_found_keeps_its_name_and_says_what_to_do(tmp_path):
    name = 'package://my_arm/meshes/arm.obj'
    spec = mujoco.MjSpec.from_string(URDF.format(name))
    find_meshes(spec, Path(tmp_path, 'arm.urdf'))
    assert [mesh.file for mesh in spec.meshes] == [name]
    arm = mesh_of(tmp_path, name)
    with pytest.raises(ArmError, match='source the ROS workspace that has the package') as error:
        compile_spec(load_spec(arm), arm)
    assert 'my_arm/meshes/arm.obj' in str(error.value)
