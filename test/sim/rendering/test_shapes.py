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

from her_ros.sim.rendering.shapes import poses_of, shapes_of
import mujoco
import numpy as np
import pytest

SCENE = """
<mujoco><asset><material name="red" rgba="1 0 0 1"/>
<mesh name="corner" vertex="0 0 0  1 0 0  0 1 0  0 0 1"/></asset><worldbody>
<geom type="plane" size="2 3 1"/>
<body pos="1 2 3" euler="0 0 90"><freejoint/>
<geom type="box" size=".1 .2 .3" material="red"/>
<geom type="sphere" size=".2" rgba="0 1 0 .5"/>
<geom type="capsule" size=".1 .3"/>
<geom type="cylinder" size=".1 .3"/>
<geom type="ellipsoid" size=".1 .2 .3"/>
<geom type="mesh" mesh="corner"/>
<geom type="sphere" size=".1" group="3"/>
<geom type="sphere" size=".1" rgba="0 0 0 0"/>
</body></worldbody></mujoco>
"""


@pytest.fixture(scope='module')
def model():
    return mujoco.MjModel.from_xml_string(SCENE)


@pytest.fixture(scope='module')
def shapes(model):
    return shapes_of(model)


def test_collision_shapes_and_invisible_ones_are_left_out(shapes):
    assert [each.geom for each in shapes] == [*range(7)]
    assert len({each.name for each in shapes}) == 7


def test_colours_are_those_of_the_geom_or_its_material(shapes):
    assert shapes[1].color.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert shapes[2].color.tolist() == [0.0, 1.0, 0.0, 0.5]


def test_extents_are_those_of_the_geoms(shapes):
    extents = [np.ptp(each.vertices, axis=0) for each in shapes]
    np.testing.assert_allclose(extents[0][:2], [4, 6])
    np.testing.assert_allclose(extents[1], [0.2, 0.4, 0.6])
    np.testing.assert_allclose(extents[2], [0.4, 0.4, 0.4])
    np.testing.assert_allclose(extents[3], [0.2, 0.2, 0.8])
    np.testing.assert_allclose(extents[4], [0.2, 0.2, 0.6])
    np.testing.assert_allclose(extents[5], [0.2, 0.4, 0.6])
    assert shapes[0].vertices[:, 2].max() == 0.0  # the plane is its upper side


def test_closed_surfaces_look_outwards(shapes):
    """The volume that oriented triangles enclose is positive, and about that of the geom."""
    volumes = {1: 0.048, 2: 0.0335, 3: 0.02304, 4: 0.01885, 5: 0.02513, 6: 1 / 6}
    for number, expected in volumes.items():
        a, b, c = np.moveaxis(shapes[number].vertices[shapes[number].faces], 1, 0)
        volume = float((a * np.cross(b, c)).sum() / 6)
        assert volume == pytest.approx(expected, rel=0.03)


def test_poses_are_those_of_the_geoms(model):
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    poses = poses_of(data, [0, 1])
    np.testing.assert_allclose(poses.positions, [[0, 0, 0], [1, 2, 3]])
    np.testing.assert_allclose(poses.quaternions[1], [0.5**0.5, 0, 0, 0.5**0.5], atol=1e-9)
