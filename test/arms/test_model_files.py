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
import sys
import time

from her_ros.arms.errors import ArmError
from her_ros.arms.model_files import arm_model, compile_spec, kinematic_model, load_spec
from her_ros.arms.registry import arm_named
import mujoco
import pytest

URDF = """<robot name="one_joint">
  <link name="base_link"/>
  <link name="arm">
    <inertial>
      <mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/>
    </inertial>
  </link>
  <link name="tool0"/>
  <joint name="turn" type="revolute">
    <parent link="base_link"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit lower="-1" upper="2" effort="1" velocity="1"/>
  </joint>
  <joint name="flange" type="fixed">
    <parent link="arm"/><child link="tool0"/><origin xyz="0.3 0 0"/>
  </joint>
</robot>"""


@pytest.fixture
def with_model(tmp_path):
    """Return the small arm's description with other model files."""

    def replaced(**files):
        arm = arm_named('six_joint')
        files = dataclasses.replace(arm.model, **files)
        return dataclasses.replace(arm, model=files, folder=tmp_path)

    return replaced


def line_of(description):
    with pytest.raises(ArmError) as error:
        load_spec(description)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('name', ['franka_panda', 'ufactory_xarm7', 'ur5e_2f85'])
def test_real_arms_have_what_their_descriptions_name(menagerie, name):
    arm = arm_named(name)
    model = kinematic_model(arm)
    for joint in (*arm.arm.joints, *arm.gripper.joints):
        assert model.joint(joint).limited
    assert model.body(arm.arm.base_body).id


def test_a_gripper_is_attached_with_its_own_names(with_model, tmp_path):
    (tmp_path / 'arm.xml').write_text(
        '<mujoco><option timestep="0.004"/><worldbody><body name="hand" pos="0 0 1">'
        '<site name="flange" pos="0 0 1"/></body></worldbody></mujoco>'
    )
    (tmp_path / 'hand.xml').write_text(
        '<mujoco><option impratio="10"/><worldbody><body name="hand"><site name="tip"/></body>'
        '</worldbody></mujoco>'
    )
    for place, height in (('flange', 2.0), ('hand', 1.0)):
        arm = with_model(source='arm.xml', gripper='hand.xml', attach_to=place)
        model = compile_spec(load_spec(arm), arm)
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        assert data.site('gripper/tip').xpos[2] == pytest.approx(height)
        assert model.opt.timestep == 0.004
    assert "no site or body 'wrist'" in line_of(
        with_model(source='arm.xml', gripper='hand.xml', attach_to='wrist')
    )


def test_a_urdf_keeps_its_links(with_model, tmp_path):
    (tmp_path / 'arm.urdf').write_text(URDF)
    arm = with_model(source='arm.urdf')
    model = compile_spec(load_spec(arm), arm)
    assert {model.body(i).name for i in range(model.nbody)} > {'base_link', 'arm', 'tool0'}
    assert model.joint('turn').range.tolist() == [-1, 2]


def test_the_joints_are_loaded_without_the_meshes(with_model, tmp_path):
    mesh = '<collision><geometry><mesh filename="nowhere.stl"/></geometry></collision>'
    (tmp_path / 'arm.urdf').write_text(
        URDF.replace('<link name="arm">', f'<link name="arm">{mesh}')
    )
    arm = with_model(source='arm.urdf')
    with pytest.raises(ArmError, match='nowhere'):
        compile_spec(load_spec(arm), arm)
    assert kinematic_model(arm).joint('turn').range.tolist() == [-1, 2]
    (tmp_path / 'arm.xml').write_text(
        '<mujoco><worldbody><body><joint name="turn"/><geom size="1"/></body></worldbody></mujoco>'
    )
    assert kinematic_model(with_model(source='arm.xml')).njnt == 1


def test_a_file_of_a_python_package(with_model):
    files = 'python:gymnasium_robotics/envs/assets/fetch/reach.xml'
    assert load_spec(with_model(source=files)).body('robot0:base_link')
    assert "'no_such_package' is not installed" in line_of(
        with_model(source='python:no_such_package/arm.xml')
    )
    for package in ('no.such', '', '.x'):
        line = line_of(with_model(source=f'python:{package}/x.xml'))
        assert f'the package {package!r} is not installed' in line
    assert 'nothing.xml is missing' in line_of(
        with_model(source='python:gymnasium_robotics/nothing.xml')
    )


@pytest.mark.parametrize(
    ('name', 'text', 'part'),
    [
        ('arm.xml', '<mujoco><worldbody><geom type="sphere"/></worldbody>', 'arm.xml: MuJoCo'),
        ('arm.xml', '<mujoco><asset><mesh file="no.stl"/></asset></mujoco>', 'no.stl'),
        ('arm.urdf', '<robot name="x"><joint/></robot>', 'arm.urdf'),
        ('arm.xml', '', 'arm.xml'),
        ('arm.txt', 'six joints', 'arm.txt'),
    ],
)
def test_a_model_that_does_not_load_is_one_line(with_model, tmp_path, name, text, part):
    (tmp_path / name).write_text(text)
    arm = with_model(source=name)
    with pytest.raises(ArmError) as error:
        compile_spec(load_spec(arm), arm)
    assert part in str(error.value)
    assert '\n' not in str(error.value)


def test_a_model_that_is_missing_is_one_line(with_model):
    assert 'nowhere.xml is missing' in line_of(with_model(source='nowhere.xml'))


def test_the_menagerie_that_is_not_installed_is_one_line(with_model, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mujoco_menagerie', None)
    line = line_of(with_model(source='menagerie:franka_emika_panda/panda.xml'))
    assert 'mujoco-menagerie is not installed' in line
    assert 'pip install mujoco-menagerie' in line


def test_the_menagerie_offline_is_one_line(with_model, monkeypatch, tmp_path):
    pytest.importorskip('mujoco_menagerie')
    monkeypatch.delenv('MENAGERIE_ROOT', raising=False)
    monkeypatch.setenv('MENAGERIE_CACHE_DIR', str(tmp_path / 'cache'))
    # Nothing listens at this port.
    monkeypatch.setenv('MENAGERIE_BASE_URL', 'http://127.0.0.1:9/assets')
    monkeypatch.setattr(time, 'sleep', lambda seconds: None)  # between its attempts
    line = line_of(with_model(source='menagerie:franka_emika_panda/panda.xml'))
    assert 'cannot be downloaded' in line
    assert 'connect to the internet' in line
    assert 'MENAGERIE_ROOT' in line


def test_names_that_the_menagerie_lacks_are_one_line(with_model, monkeypatch, tmp_path):
    pytest.importorskip('mujoco_menagerie')
    assert "'franka_tea'" in line_of(with_model(source='menagerie:franka_tea/panda.xml'))
    (tmp_path / 'franka_emika_panda').mkdir()
    monkeypatch.setenv('MENAGERIE_ROOT', str(tmp_path))
    line = line_of(with_model(source='menagerie:franka_emika_panda/tea.xml'))
    assert "no file 'tea.xml'" in line


def test_a_model_that_a_robot_publishes_is_its_text(with_model):
    arm = with_model(source='robot_description')
    assert 'only a robot that runs publishes' in line_of(arm)
    mesh = (
        '<collision><geometry><mesh filename="package://x/y.dae"/></geometry></collision>'
        '<visual><geometry><mesh filename="package://x/y.dae"/></geometry></visual>'
    )
    more = '<transmission name="t"><type>t</type></transmission><ros2_control name="c"/></robot>'
    urdf = URDF.replace('<link name="arm">', f'<link name="arm">{mesh}').replace('</robot>', more)
    model = kinematic_model(dataclasses.replace(arm, urdf=urdf))
    assert model.joint('turn').range.tolist() == [-1, 2]
    assert model.body('tool0').id


@pytest.mark.parametrize('urdf', ['six joints', '<robot name="x"><joint/></robot>', '<robot>'])
def test_a_text_that_is_no_model_is_one_line(with_model, urdf):
    arm = dataclasses.replace(with_model(source='robot_description'), urdf=urdf)
    with pytest.raises(ArmError) as error:
        arm_model(arm)
    assert str(error.value).startswith('robot_description: MuJoCo')
    assert '\n' not in str(error.value)


def test_a_model_without_the_joints_of_the_description_is_one_line(with_model):
    arm = dataclasses.replace(with_model(source='robot_description'), urdf=URDF)
    with pytest.raises(ArmError) as error:
        arm_model(arm)
    line = str(error.value)
    assert line.startswith("six_joint: arm.base_body: the model has no body 'base'; choose one of")
    assert line.endswith('her-ros arms check names all faults')
    six_joint = arm_named('six_joint')
    assert arm_model(six_joint).njnt == 8
    each = ('joints', 'driver_joints', 'home', 'max_speeds')
    first = {name: getattr(six_joint.arm, name)[:5] for name in each}
    five = dataclasses.replace(six_joint.arm, **first)
    with pytest.raises(ArmError, match=r"six_joint: .*'joint6' lies between base and tool"):
        arm_model(dataclasses.replace(six_joint, arm=five))
