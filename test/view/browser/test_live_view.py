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

from dataclasses import replace
from pathlib import Path
import time

from her_ros.tasks.registry import task_named
from her_ros.view.browser.text import node_table
import numpy as np
import pytest

MODEL = Path(__file__).parents[3] / 'models/FetchReach/policy.onnx'
SIMULATION = {'task': 'FetchReach', 'num_envs': 2, 'follow_collection_enabled': False}
GOAL = (1.31, 0.78, 0.55)


class StandIn:
    """A graph as a view sees it, without nodes."""

    def __init__(self):
        self.sent, self.reports, self.has_robot = [], {}, False
        self.step_topic, self.fault, self.has_changed = '', '', False
        self.topics, self.task = ['/mine/step'], task_named('FetchReach')

    def spin(self, seconds):
        time.sleep(seconds)

    def step_topics(self):
        return self.topics

    def task_of(self, topic):
        return self.task

    def listen(self, topic, task):
        self.step_topic, self.listened, self.has_changed = topic, task, False

    def stop_listening(self):
        self.step_topic, self.fault, self.has_changed = '', '', False

    def take_steps(self, seconds):
        time.sleep(seconds)
        return []

    def send_goal(self, goal):
        self.sent.append(goal)

    def stop_robot(self):
        return ['/mine/robot_bridge: the episode was stopped']


@pytest.fixture
def page(empty_site):
    from her_ros.view.browser.live_view import LiveView

    stand_in = StandIn()
    return LiveView(empty_site, stand_in, 'mine', None, is_dark=False), stand_in


def test_a_stop_goes_out_and_is_answered_while_the_page_is_busy(page, ask):
    view, _ = page
    ask(view._stop)
    assert '/mine/robot_bridge: the episode was stopped' in view._answer.content


def test_another_run_on_the_same_topic_is_followed(page):
    view, graph = page
    view._look()
    assert graph.listened.name == 'FetchReach'
    # seen by its sender, without a moment in which the topic was gone
    graph.task, graph.has_changed = task_named('FetchPush'), True
    view._look()
    assert graph.listened.name == view._task.name == 'FetchPush'
    graph.topics = []
    view._look()
    assert graph.step_topic == ''
    graph.topics, graph.task = ['/mine/step'], task_named('FetchSlide')
    view._look()
    assert graph.listened.name == view._task.name == 'FetchSlide'


def test_a_topic_that_cannot_be_drawn_does_not_get_into_the_old_scene(page):
    view, graph = page
    view._look()
    stage, graph.has_changed = view._stage, True
    graph.task = replace(graph.task, name='Flat', goal_size=2)
    view._look()
    assert 'a goal of 2 values cannot be drawn' in view._status.content
    assert (graph.step_topic, view._stage) == ('', stage)


def test_without_a_simulation_or_robot_no_goal_is_sent(page):
    view, graph = page
    graph.topics = []
    view._look()
    view._send_goal((1.0, 0.7, 0.5))
    assert graph.sent == []
    assert 'goal not sent' in view._status.content
    graph.topics = ['/mine/step']
    view._look()
    view._send_goal((1.0, 0.7, 0.5))
    assert graph.sent == [(1.0, 0.7, 0.5)]


@pytest.mark.nodes
def test_reports_of_nodes_that_are_gone_are_forgotten(live, monkeypatch):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
    from her_ros.view.browser import live_graph

    monkeypatch.setattr(live_graph, '_MAX_REPORTS', 3)
    for name in ('a', 'b', 'c', 'a', 'd'):
        live._take_status(DiagnosticArray(status=[DiagnosticStatus(name=f'/mine/{name}')]))
    assert [*live.reports] == ['c', 'a', 'd']
    monkeypatch.setattr(live_graph, '_FORGOTTEN_S', -1.0)
    live._forget()
    assert not live.reports


@pytest.fixture
def nodes(graph):
    graph.start(
        'policy', '/mine', {'task': 'FetchReach', 'model': str(MODEL), 'deployment': False}
    )
    return graph.start('sim_env', '/mine', SIMULATION)


@pytest.fixture
def live(graph):
    from her_ros.view.browser.live_graph import LiveGraph
    import rclpy

    pair = [
        rclpy.create_node(name, context=graph.node.context, start_parameter_services=False)
        for name in ('view', 'view_steps')
    ]
    yield LiveGraph(*pair, 'mine')
    for node in pair:
        node.destroy_node()


@pytest.mark.nodes
def test_a_running_graph_is_followed_through_a_restart_and_given_a_goal(graph, nodes, live, wait):
    live.spin(0.1)

    def after(seconds, condition):
        live.spin(seconds)
        return condition()

    wait(lambda: after(0.1, lambda: len(live.reports) == 2), 'reports of both nodes')
    topic = wait(lambda: after(0.1, live.step_topics), 'a topic of steps')[0]
    assert topic == '/mine/step'
    task = wait(lambda: live.task_of(topic), 'the task')
    assert task.name == 'FetchReach'
    live.listen(topic, task)
    row = wait(lambda: live.take_steps(0.1), 'a step')[0].row
    assert (row.shape, int(row['env'][0])) == ((1,), 0)
    live.send_goal(GOAL)
    wait(
        lambda: after(0.1, lambda: live.reports['sim_env'].values['goal_state'] == 'set'),
        'the goal',
    )
    nodes.kill()
    wait(lambda: after(0.2, lambda: live.reports['sim_env'].is_silent), 'its silence')
    assert 'sim_env</b> silent' in node_table(live.reports)
    graph.start('sim_env', '/mine', SIMULATION)
    session = int(row['session'][0])
    wait(
        lambda: [r for r in live.take_steps(0.1) if int(r.row['session'][0]) != session],
        'steps of the new session',
    )
    wait(lambda: after(0.1, lambda: not live.reports['sim_env'].is_silent), 'its report')


@pytest.mark.nodes
def test_the_page_plays_one_episode_after_another(nodes, live):
    pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")
    from her_ros.view.browser.live_view import LiveView
    from her_ros.view.browser.web_site import Address, Site

    with Site('live', Address(port=0)) as site:
        view = LiveView(site, live, 'mine', None, is_dark=False)
        view.run(0.1)
        assert 'no node of /mine is heard' in view._head.content
        until, seen = time.monotonic() + 40.0, set()
        # Reports come once per second, steps much sooner.
        while time.monotonic() < until:
            view.run(0.5)
            if view._episode.is_playing:
                seen.add(int(view._episode.steps[0].row['episode'][0]))
            if len(seen) >= 2 and 'nodes are well' in view._head.content:
                break
        assert len(seen) >= 2
        assert 'one episode at a time' in view._status.content
        assert 'nodes are well' in view._head.content
        assert view._topic.options == ('/mine/step',)
        np.testing.assert_allclose(view._marker.gizmo.position, view._marker.goal, atol=1e-3)
