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

import sys
import time
import types

from geometry_msgs.msg import PoseStamped
from her_ros.nodes.qos import LATCHED, SCENE
from her_ros.nodes.scene import ScenePublisher
from her_ros.sim.scene import Scene
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.topics import GRIPPER_POSE, JOINT_STATES, MARKERS, OBJECT_POSE
import numpy as np
import pytest
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool
from visualization_msgs.msg import Marker, MarkerArray

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]

TOPICS = {
    JOINT_STATES: JointState,
    GRIPPER_POSE: PoseStamped,
    OBJECT_POSE: PoseStamped,
    MARKERS: MarkerArray,
}
PUSH = {
    'task': 'FetchPush',
    'num_envs': 2,
    'follow_collection_enabled': False,
    'action_timeout_s': 0.5,
}
SHOWN = {**PUSH, 'publish_scene': True}
NODES = {
    '/shown': {**SHOWN, 'num_envs': 16},  # two turns
    '/slide': {**SHOWN, 'task': 'FetchSlide'},
    '/reach': {**SHOWN, 'task': 'FetchReach'},
    '/hidden': PUSH,
    '/paced': {**PUSH, 'real_time': True, 'num_envs': 16},
}
PERIOD_S = TASKS['FetchPush'].control_period_s


class Viewer:
    """Keeps what a simulation shows, by topic and stamp."""

    def __init__(self, graph, namespace, topics):
        self._graph = graph
        self.shown = {topic: {} for topic in topics}
        for topic in topics:
            name = f'{namespace}/{topic}'
            graph.node.create_subscription(TOPICS[topic], name, self._keeper(topic), SCENE)
            graph.until(lambda name=name: graph.node.count_publishers(name), name)

    def _keeper(self, topic):
        def keep(message):
            first = message.markers[0] if topic == MARKERS else message
            stamp = first.header.stamp
            self.shown[topic][stamp.sec * 10**9 + stamp.nanosec] = message

        return keep

    def at(self, stamp_s):
        """Return what was shown of a state that was sent then, or None."""
        return {
            topic: next((m for ns, m in shown.items() if abs(ns / 1e9 - stamp_s) < 1e-6), None)
            for topic, shown in self.shown.items()
        }

    def after(self, partner):
        """Return the first row of the newest state that was shown, and how it was shown."""
        for rows, stamp_s in reversed(list(zip(partner.received, partner.sent_at, strict=True))):
            if rows['env'][0] == 0 and all((view := self.at(stamp_s)).values()):
                return rows[0], view
        return None


@pytest.fixture
def seen(shared_graph, make_sim_partner):
    """Play a few steps; give what was shown of the last one and its row: (namespace, topics)."""

    def see(name, topics):
        partner, viewer = make_sim_partner(name), Viewer(shared_graph, name, topics)
        generator = np.random.default_rng(0)
        for _ in range(12):
            waiting = partner.rows  # of 16 environments one half; the other waits in the meantime
            partner.step(generator.uniform(-1, 1, (len(waiting), 4)).astype(np.float32))
            time.sleep(PERIOD_S)
        return shared_graph.until(lambda: viewer.after(partner), f'the scene of {name}')

    return see


def position_of(pose):
    return [pose.position.x, pose.position.y, pose.position.z]


@pytest.mark.parametrize(
    ('name', 'shape', 'size'),
    [('/shown', Marker.CUBE, [0.05] * 3), ('/slide', Marker.CYLINDER, [0.05, 0.05, 0.04])],
)
def test_poses_and_markers_are_those_of_environment_0(seen, name, shape, size):
    row, view = seen(name, list(TOPICS))
    grip, thing = row['observation'][:3], row['achieved_goal']
    np.testing.assert_allclose(position_of(view[GRIPPER_POSE].pose), grip, atol=1e-9)
    np.testing.assert_allclose(position_of(view[OBJECT_POSE].pose), thing, atol=1e-9)
    markers = view[MARKERS].markers
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers)
    assert {marker.header.frame_id for marker in markers} == {'world'}
    assert {view[topic].header.frame_id for topic in (GRIPPER_POSE, OBJECT_POSE)} == {'world'}
    (goal,) = (marker for marker in markers if marker.type == Marker.SPHERE)
    np.testing.assert_allclose(position_of(goal.pose), row['desired_goal'])
    assert [goal.scale.x, goal.scale.y, goal.scale.z] == [0.1] * 3
    assert 0 < goal.color.a < 1
    (drawn,) = (m for m in markers if np.allclose(position_of(m.pose), thing, atol=1e-9))
    assert drawn.type == shape
    np.testing.assert_allclose([drawn.scale.x, drawn.scale.y, drawn.scale.z], size)
    (arm,) = (marker for marker in markers if marker.type == Marker.LINE_STRIP)
    assert len(arm.points) > 8


def test_joints_are_named_as_on_the_robot_and_lead_to_the_gripper(seen):
    row, view = seen('/reach', [JOINT_STATES, GRIPPER_POSE, MARKERS])
    joints, scene = view[JOINT_STATES], Scene(TASKS['FetchReach'])
    assert joints.name == list(scene.joint_names)
    qpos = scene._fetch.start_qpos.copy()  # all but the arm stands where it started
    for name, position in zip(joints.name, joints.position, strict=True):
        qpos[scene._model.joint(f'robot0:{name}').qposadr[0]] = position
    found = scene.look(qpos, row['desired_goal']).gripper.position
    np.testing.assert_allclose(found, row['observation'][:3], atol=1e-6)


def test_where_there_is_no_object_none_is_shown(shared_graph, make_sim_partner):
    assert make_sim_partner('/reach').rows['step'][0] >= 0  # it runs
    Viewer(shared_graph, '/reach', [MARKERS])
    assert not shared_graph.node.count_publishers(f'/reach/{OBJECT_POSE}')


def test_without_the_parameter_nothing_is_shown(shared_graph, make_sim_partner):
    partner = make_sim_partner('/hidden')
    partner.step(0.0)
    shown = [topic for topic in TOPICS if shared_graph.node.count_publishers(f'/hidden/{topic}')]
    assert not shown


def test_a_fast_simulation_shows_itself_at_25_hz(shared_graph, make_sim_partner):
    partner, viewer = make_sim_partner('/slide'), Viewer(shared_graph, '/slide', [MARKERS])
    begin, first = time.monotonic(), len(partner.received)
    viewer.shown[MARKERS].clear()
    while time.monotonic() - begin < 2.0:
        partner.step(0.0)
    seconds = time.monotonic() - begin
    assert len(partner.received) - first > len(viewer.shown[MARKERS]) > 0
    assert len(viewer.shown[MARKERS]) <= seconds / PERIOD_S + 2


def test_in_real_time_a_rollout_takes_as_long_as_on_a_robot(shared_graph, make_sim_partner):
    partner = make_sim_partner('/paced')
    first = partner.next_rollout()
    assert len(first) == 16  # in one message: all move together
    count = len(partner.sent_at) - 1
    partner.finish_rollout()
    assert [rows['step'][0] for rows in partner.received[count:][:51]] == [*range(51)]
    stamps = np.array(partner.sent_at[count:][:51])
    # The first stamp is a little later than the start of the schedule, on a busy machine more.
    assert (stamps - stamps[0] > PERIOD_S * (np.arange(51) - 1)).all()


def test_a_late_action_is_counted_and_restarts_the_schedule(shared_graph, make_sim_partner):
    partner, name = make_sim_partner('/paced'), '/paced/sim_env'
    partner.next_rollout()
    before = int(shared_graph.new_status(name)['late_steps'])
    time.sleep(5 * PERIOD_S)
    sent = time.time()
    partner.step(0.0)
    partner.step(0.0)
    assert partner.sent_at[-1] - sent > 0.99 * PERIOD_S  # no period is made up for
    assert int(shared_graph.new_status(name)['late_steps']) > before


def test_a_pause_makes_nothing_late(shared_graph, make_sim_partner):
    partner, name = make_sim_partner('/paced'), '/paced/sim_env'
    partner.next_rollout()
    for _ in range(5):  # a busy machine may be late by itself
        shared_graph.call(SetBool, f'{name}/pause', data=True)
        before = shared_graph.new_status(name)['late_steps']
        time.sleep(2 * PERIOD_S)
        shared_graph.call(SetBool, f'{name}/pause', data=False)
        partner.step(0.0)
        shared_graph.call(SetBool, f'{name}/pause', data=True)
        if shared_graph.new_status(name)['late_steps'] == before:
            break
    else:
        pytest.fail('a step after a pause was late, five times')
    shared_graph.call(SetBool, f'{name}/pause', data=False)


class Publishers:
    """Stands for a node: keeps what is published on which topic."""

    def __init__(self):
        self.made, self.sent = {}, {}

    def create_publisher(self, kind, topic, qos):
        self.made[topic] = (kind, qos)
        sent = self.sent.setdefault(topic, [])
        return types.SimpleNamespace(publish=sent.append)

    def get_clock(self):
        from rclpy.clock import Clock

        return Clock()


def test_where_tf_is_installed_it_learns_where_the_robot_stands(monkeypatch):
    class TFMessage:
        """Message of tf2_msgs, for a machine without them."""

        def __init__(self, transforms):
            self.transforms = transforms

    messages = types.SimpleNamespace(TFMessage=TFMessage)
    monkeypatch.setitem(sys.modules, 'tf2_msgs', types.SimpleNamespace(msg=messages))
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', messages)
    node = Publishers()
    ScenePublisher(node, task_named('FetchPush'))
    assert node.made['/tf_static'] == (TFMessage, LATCHED)
    (transform,) = node.sent['/tf_static'][0].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ('world', 'base_link')
    moved, turned = transform.transform.translation, transform.transform.rotation
    np.testing.assert_allclose([moved.x, moved.y, moved.z], [0.6919, 0.7441, 0.0], atol=1e-6)
    assert [turned.x, turned.y, turned.z, turned.w] == [0.0, 0.0, 0.0, 1.0]


def test_a_robot_that_measures_by_itself_gets_a_picture_alone(monkeypatch):
    # with tf's messages missing, whether or not they are installed here
    monkeypatch.setitem(sys.modules, 'tf2_msgs', None)
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', None)
    node, task = Publishers(), task_named('FetchPush')
    publisher = ScenePublisher(node, task, measured=False)
    scene = Scene(task)
    publisher.publish(scene._fetch.start_qpos, np.ones(3), 5_000_000_007)
    assert set(node.made) == {GRIPPER_POSE, MARKERS}
    (pose,) = node.sent[GRIPPER_POSE]
    assert (pose.header.stamp.sec, pose.header.stamp.nanosec) == (5, 7)
