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

"""``her-ros view --live``: the nodes that run, an episode of theirs, and goals by click."""

from collections.abc import Mapping, Sequence
import time

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.pace import Pace
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.colors import BLUE, GREEN, GREY, ORANGE
from her_ros.view.browser.goal_marker import GoalMarker
from her_ros.view.browser.live_episode import LiveEpisode
from her_ros.view.browser.live_graph import LiveGraph, Report
from her_ros.view.browser.stage import Stage
from her_ros.view.browser.text import headline, legend, node_table, status
from her_ros.view.browser.web_site import Site
from her_ros.view.reports import number
from her_ros.wire.rows import has_truth
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Seconds between looks at the graph, and the control period while no task is known.
_LOOK_S, _PERIOD_S = 1.0, 0.04


class LiveView:
    """
    The page of a running graph; :meth:`run` follows it.

    :param task: None: as the nodes say
    """

    def __init__(
        self, site: Site, graph: LiveGraph, namespace: str, task: GoalTask | None, is_dark: bool
    ) -> None:
        self._site, self._graph, self._namespace = site, graph, namespace
        self._gui, self._callbacks = site.server.gui, CallbackQueue()
        self._given, self._task = task, task
        self._stage: Stage | None = None
        self._episode = LiveEpisode(_PERIOD_S)
        self._head = self._gui.add_html('')
        self._status = self._gui.add_html('')
        self._topic = self._gui.add_dropdown('Of', ('–',), hint='topic of steps')
        self._topic.on_update(self._callbacks.defer_for_user(self._change_topic))
        self._marker = GoalMarker(site.server, self._callbacks, self._send_goal)
        self._stop = self._gui.add_button('Stop the robot', color='red', visible=False)
        # Not through the callbacks, which waits for other work of the page.
        self._stop.on_click(lambda _: self._stop_robot())
        self._answer = self._gui.add_html('')
        with self._gui.add_folder('Nodes'):
            self._nodes = self._gui.add_html('')
        self._gui.add_html(legend([('path of the gripper', BLUE), ('path of the object', ORANGE)]))
        site.add_dark_box(is_dark)

    def run(self, seconds: float = np.inf) -> None:
        """
        Follow the graph.

        :param seconds: how long, wall time
        """
        until, look_at = time.monotonic() + seconds, 0.0
        while time.monotonic() < until:
            self._callbacks.run()
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_S
                self._look()
            period_s = self._task.control_period_s if self._task else _PERIOD_S
            pace = Pace(period_s)
            self._graph.spin(period_s / 4)
            if self._graph.step_topic:
                self._follow(period_s / 2)
            if self._episode.is_playing or not self._graph.step_topic:
                pace.wait()

    def _send_goal(self, goal: Sequence[float]) -> None:
        if self._graph.step_topic:
            self._graph.send_goal(goal)
        else:
            why = 'No simulation or robot is followed at present.'
            self._status.content = headline('goal not sent', GREY, [why])

    def _stop_robot(self) -> None:
        """Stop the robot, in the thread in which the button was pressed."""
        self._answer.content = headline('stopping …', GREY, [])
        self._answer.content = headline('answer to the stop', GREY, self._graph.stop_robot())

    def _look(self) -> None:
        """Look at the graph: topics that came or went, and the reports of its nodes."""
        graph, topics = self._graph, self._graph.step_topics()
        if topics and [*self._topic.options] != topics:
            self._topic.options = tuple(topics)
        if graph.step_topic and (graph.step_topic not in topics or graph.has_changed):
            if graph.fault:
                self._status.content = headline('cannot be shown', GREY, [graph.fault])
            graph.stop_listening()  # what comes next may be of another task
        if topics and not graph.step_topic:
            self._change_topic()
        reports = self._graph.reports
        self._nodes.content = node_table(reports)
        self._stop.visible = self._graph.has_robot
        self._head.content = headline_of(reports, self._namespace)

    def _change_topic(self) -> None:
        """Listen to the topic that is chosen, and find out its task."""
        topic = self._topic.value
        try:
            task = self._given or self._graph.task_of(topic)
            if task is None:
                return  # asked again at the next look
            if self._stage is None or task != self._task:
                self._set_task(task)
            self._graph.listen(topic, task)
        except HerRosError as error:
            self._graph.stop_listening()  # its steps would look like those of the topic
            self._status.content = headline('cannot be shown', GREY, [str(error)])
            return
        self._episode = LiveEpisode(task.control_period_s)

    def _set_task(self, task: GoalTask) -> None:
        self._stage, self._task = Stage(self._site, task), task
        self._marker.add_to_scene()

    def _follow(self, seconds: float) -> None:
        """Take steps for at most this time, if they are wanted, and show the one that is next."""
        episode = self._episode
        if not episode.is_playing:
            episode.take(self._graph.take_steps(seconds))
        place = episode.next_shown()
        if place is not None:
            self._show(place)
            if episode.is_fast and not episode.is_playing:
                self._graph.drop_steps()  # of the episodes meanwhile

    def _show(self, place: int) -> None:
        stage, task, row = self._stage, self._task, self._episode.steps[place].row
        assert stage is not None
        assert task is not None
        slices, goal = task.observation_slices, row['desired_goal'][0]
        rows = np.concatenate([each.row for each in self._episode.steps[: place + 1]])
        truth = 'true_' if has_truth(rows) else ''
        seen, achieved = rows[f'{truth}observation'], rows[f'{truth}achieved_goal']
        stage.show_observed(seen[-1])
        stage.show_goal(goal)
        stage.show_path('gripper', seen[:, slices['gripper_position']], BLUE)
        if 'object_position' in slices:
            stage.show_path('object', achieved, ORANGE)
        self._marker.begin(goal)
        self._status.content = status(
            float(task.distance(achieved[-1], goal)),
            bool(task.is_success(achieved[-1], goal)),
            bool(row['truncated'][0] or row['terminated'][0]),
            [
                f'episode {int(row["episode"][0])}, step {int(row["step"][0])},'
                f' policy version {int(row["policy_version"][0])}',
                'one episode at a time, at the speed of a robot' if self._episode.is_fast else '',
            ],
        )


def headline_of(reports: Mapping[str, Report], namespace: str) -> str:
    """Say how a graph is: its training, its goals, and the worst of its nodes."""
    heard = {name: each for name, each in reports.items() if not each.is_silent}
    if not heard:
        return headline(
            f'no node of /{namespace.strip("/")} is heard', GREY,
            ['Is a training or a robot running in this namespace and ROS domain?'],
        )  # fmt: skip
    lines = []
    if trainer := heard.get('trainer'):
        values = trainer.values
        rate = values.get('success_rate', '')
        lines = [
            f'{number(values, "episodes"):,.0f} episodes,'
            f' {number(values, "env_steps"):,.0f} steps,'
            f' {number(values, "updates"):,.0f} updates',
            f'success of the last evaluation: {rate or "none yet"}',
        ]
    for name, report in heard.items():
        if state := report.values.get('goal_state', ''):
            what = f'{state}, {report.values.get("goal_result", "")}'.rstrip(', ')
            lines.append(f'last goal, {name}: {what}' if state != 'none' else '')
    worst = max(heard.values(), key=lambda each: each.level)
    if worst.level == 0:
        return headline(f'{len(heard)} nodes are well', GREEN, filter(None, lines))
    return headline(worst.message, ORANGE, filter(None, lines))
