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

"""The layouts name topics that there are: nodes are started and asked what they have."""

import importlib
import json
from pathlib import Path
import re

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped, PoseStamped
import her_ros
from her_ros.nodes.messages import WORLD_FRAME
from her_ros.orchestration.graph import simulation_nodes
import pytest
from rclpy.qos import (
    DurabilityPolicy,
    qos_check_compatible,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
)
from ruamel.yaml import YAML
from visualization_msgs.msg import MarkerArray

pytestmark = pytest.mark.nodes

FOLDER = Path(her_ros.__file__).parents[1] / 'layouts'
#: where the deployed robot's nodes and a simulation's are, by default
ROBOT, SIMULATION = '/robot', simulation_nodes('her_ros', '', '')[0].namespace
RVIZ = YAML(typ='safe').load(FOLDER / 'her_ros.rviz')['Visualization Manager']
FOXGLOVE = json.loads((FOLDER / 'foxglove.json').read_text())
PANELS = FOXGLOVE['configById']
RVIZ_TYPES = {
    'rviz_default_plugins/MarkerArray': MarkerArray,
    'rviz_default_plugins/Pose': PoseStamped,
    'rviz_default_plugins/PublishPoint': PointStamped,
}


def message_named(name):
    package, kind = name.split('/msg/')
    return getattr(importlib.import_module(f'{package}.msg'), kind)


def name_of(message_type):
    package, kind = message_type.__module__.split('.')[0], message_type.__name__
    return f'{package}/msg/{kind}'


def rviz_displays(displays):
    for display in displays:
        yield from rviz_displays(display.get('Displays', []))
        if 'Topic' in display:
            yield display


def panels(kind):
    return [panel for name, panel in PANELS.items() if name.split('!')[0] == kind]


def shown():
    """List what the layouts show: topic, and the message type, or None for any."""
    for display in rviz_displays(RVIZ['Displays']):
        yield display['Topic']['Value'], RVIZ_TYPES[display['Class']]
    for panel in panels('3D'):
        for topic in panel['topics']:
            yield topic, MarkerArray if topic.endswith('markers') else PoseStamped
    for panel in panels('DiagnosticSummary'):
        yield panel['topicToRender'], DiagnosticArray
    for panel in panels('RawMessages'):
        yield panel['topicPath'], None
    for panel in panels('Plot'):
        for path in panel['paths']:
            yield path['value'].split('.')[0], None


def sent():
    """List what the layouts send: topic and message type."""
    for tool in RVIZ['Tools']:
        if 'Topic' in tool:
            yield tool['Topic']['Value'], RVIZ_TYPES[tool['Class']]
    for panel in panels('3D'):
        assert panel['publish']['type'] == 'point'
        yield panel['publish']['pointTopic'], PointStamped
    for panel in panels('Publish'):
        yield panel['topicName'], message_named(panel['datatype'])


@pytest.fixture(scope='module')
def topics(shared_graph):
    """Types and endpoints of the topics of a simulation and of a robot, by full name."""
    node, started = shared_graph.node, {'task': 'FetchPush'}
    shared_graph.start('sim_env', SIMULATION, {**started, 'num_envs': 1, 'publish_scene': True})
    for name in ('simulated_robot', 'robot_bridge'):
        shared_graph.start(name, ROBOT, started)
    for name in (f'{SIMULATION}/sim_env', f'{ROBOT}/simulated_robot', f'{ROBOT}/robot_bridge'):
        shared_graph.until(lambda name=name: shared_graph.status(name), name)
    found = {}
    for topic, (kind,) in node.get_topic_names_and_types():
        publishers = node.get_publishers_info_by_topic(topic)
        readers = node.get_subscriptions_info_by_topic(topic)
        ends = (kind, publishers, [each for each in readers if each.node_name != node.get_name()])
        found[topic] = ends
    return found


def test_what_is_shown_is_published(topics):
    every = list(shown())
    assert {topic.rpartition('/')[0] for topic, _ in every} == {ROBOT, SIMULATION, ''}
    for topic, kind in every:
        assert topic in topics, topic
        published, publishers, _ = topics[topic]
        assert publishers, topic
        assert kind is None or published == name_of(kind), topic


def test_what_is_sent_is_listened_to(topics):
    every = list(sent())
    assert len(every) == 4
    for topic, kind in every:
        listened, _, subscriptions = topics[topic]
        assert subscriptions, topic
        assert listened == name_of(kind), topic


def test_plots_draw_fields_that_are_there(topics):
    paths = [path['value'] for panel in panels('Plot') for path in panel['paths']]
    assert len(set(paths)) == len(paths) == 12
    for path in paths:
        topic, *fields = path.split('.')
        kind = topics[topic][0]
        for field in fields:
            kind = message_named(kind).get_fields_and_field_types()[field]
            kind = re.sub('^([a-z_]+)/', r'\1/msg/', kind)
        assert kind == 'double'


POLICIES = {
    'Reliable': ReliabilityPolicy.RELIABLE,
    'Best Effort': ReliabilityPolicy.BEST_EFFORT,
    'Volatile': DurabilityPolicy.VOLATILE,
    'Transient Local': DurabilityPolicy.TRANSIENT_LOCAL,
}


def rviz_profile(topic):
    """Read the quality of service that RViz is told to use."""
    reliability, durability = topic['Reliability Policy'], topic['Durability Policy']
    return plain_profile(POLICIES[reliability], POLICIES[durability])


def plain_profile(reliability, durability):
    # Of endpoints found in the graph, what was never set looks like a demand.
    return QoSProfile(depth=1, reliability=reliability, durability=durability)


def test_rviz_and_the_nodes_agree_on_quality_of_service(topics):
    pairs = []
    for display in rviz_displays(RVIZ['Displays']):
        for publisher in topics[display['Topic']['Value']][1]:
            profile = publisher.qos_profile
            offered = plain_profile(profile.reliability, profile.durability)
            pairs.append((offered, rviz_profile(display['Topic'])))
    for tool in (tool for tool in RVIZ['Tools'] if 'Topic' in tool):
        (reader,) = topics[tool['Topic']['Value']][2]
        requested = plain_profile(reader.qos_profile.reliability, reader.qos_profile.durability)
        pairs.append((rviz_profile(tool['Topic']), requested))
    assert len(pairs) == 8
    for offered, requested in pairs:
        compatibility, reason = qos_check_compatible(offered, requested)
        assert compatibility != QoSCompatibility.ERROR, reason


def test_everything_is_shown_in_the_frame_that_goals_must_be_in():
    assert RVIZ['Global Options']['Fixed Frame'] == WORLD_FRAME
    assert {panel['followTf'] for panel in panels('3D')} == {WORLD_FRAME}
    for panel in panels('Publish'):
        message = json.loads(panel['value'])
        assert message['header']['frame_id'] == WORLD_FRAME
        assert set(message['point']) == {'x', 'y', 'z'}


def placed(layout):
    """List the panels of a Foxglove layout, tabs included."""
    if isinstance(layout, dict):
        return placed(layout['first']) + placed(layout['second'])
    tabs = PANELS[layout].get('tabs', [])
    return [layout, *(panel for tab in tabs for panel in placed(tab['layout']))]


def test_every_panel_has_one_place():
    assert sorted(placed(FOXGLOVE['layout'])) == sorted(PANELS)
