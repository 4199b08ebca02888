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

import importlib.util

from her_ros.arms import model as model_module
from her_ros.arms.errors import ArmError
from her_ros.arms.model import assets_folder, compile_scene, load_model, without_contacts
from her_ros.arms.scene_specs import SCENE_SPECS
from her_ros.tasks.registry import task_named
import mujoco
import numpy as np
import pytest


def test_a_chain_holds_just_the_joints_that_move_its_site(task):
    model = load_model(task)
    data = mujoco.MjData(model.mujoco_model)
    mujoco.mj_forward(model.mujoco_model, data)
    for chain in (model.grip, model.object):
        if chain is None:
            continue
        jacobian = np.zeros((6, model.mujoco_model.nv))
        mujoco.mj_jacSite(model.mujoco_model, data, jacobian[:3], jacobian[3:], chain.site)
        np.testing.assert_array_equal(np.flatnonzero(jacobian.any(axis=0)), chain.dofs)


def test_objects_rest_on_the_table(task):
    model = load_model(task)
    if model.object is None:
        return
    scene = model.mujoco_model
    size = scene.geom('object0').size
    half_height = size[1 if scene.geom('object0').type[0] == mujoco.mjtGeom.mjGEOM_CYLINDER else 2]
    # The table's top is 0.4 m high; contacts are soft, so bodies sink in by less than 1 mm.
    assert model.object_height_m == pytest.approx(0.4 + half_height, abs=1e-3)


def test_a_task_of_another_arm_names_those_of_the_fetch():
    with pytest.raises(ArmError, match=r'has no Fetch; choose one of FetchReach, FetchPush, '):
        load_model(task_named('Push'))


def test_the_model_is_settled_once(task):
    assert load_model(task) is load_model(task)


def test_without_contacts_bodies_are_where_they_were(task):
    model = load_model(task)
    one, other = model.mujoco_model, without_contacts(model.mujoco_model)
    assert not one.opt.disableflags
    generator = np.random.default_rng(0)
    for _ in range(5):
        seen = []
        qpos = model.start_qpos + generator.normal(0.0, 0.1, one.nq)
        for each in (one, other):
            data = mujoco.MjData(each)
            data.qpos[:] = qpos
            mujoco.mj_fwdPosition(each, data)
            seen.append([data.xpos.tobytes(), data.cdof.tobytes(), data.subtree_com.tobytes()])
        assert seen[0] == seen[1]


def test_missing_assets_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ArmError, match='pip install gymnasium-robotics'):
        assets_folder()
    monkeypatch.setattr(model_module, 'assets_folder', lambda: tmp_path)
    with pytest.raises(ArmError, match=r'push\.xml is missing'):
        compile_scene(SCENE_SPECS['FetchPush'])
    (tmp_path / 'push.xml').write_text('<mujoco><nonsense/></mujoco>')
    with pytest.raises(ArmError, match='cannot load it'):
        compile_scene(SCENE_SPECS['FetchPush'])


def test_the_spec_says_where_base_and_gripper_are(task):
    model = load_model(task)
    data = mujoco.MjData(model.mujoco_model)
    data.qpos[:] = model.start_qpos
    mujoco.mj_kinematics(model.mujoco_model, data)
    base = data.body('robot0:base_link')
    np.testing.assert_allclose(base.xpos, model.scene_spec.base_m, atol=1e-6)
    np.testing.assert_allclose(base.xquat, [1.0, 0.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(model.grip_position_m, model.scene_spec.start_m, atol=1e-6)
    assert model.object_height_m == pytest.approx(model.scene_spec.object_height_m, abs=1e-6)
