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

"""``her-ros view POLICY``: a policy acts in 3D while a person moves its goal."""

from collections.abc import Mapping, Sequence
import time

from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.pace import Pace
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.colors import BLUE, ORANGE
from her_ros.view.browser.disturbance_panel import DisturbancePanel
from her_ros.view.browser.player import Player
from her_ros.view.browser.stage import Stage
from her_ros.view.browser.text import legend, status
from her_ros.view.browser.web_site import Site
import numpy as np

# For so long the end of an episode is shown, seconds.
_END_S = 1.2
# Where goals may be moved to: x, y and z, metres, world frame. All tasks are there.
_GOALS_M = ((0.5, 2.2), (0.0, 1.5), (0.4, 1.4))

_HELP = """
Drag the **arrows at the green ball** to move the goal. Drag elsewhere to turn the view, scroll to
zoom. The ball is as large as the goal's tolerance.
"""


class PolicyView:
    """
    The page of one policy; :meth:`run` lets it act.

    :param policy: acts on the task
    :raises HerRosError: if the task has no scene
    """

    def __init__(self, site: Site, policy: OnnxPolicy, task: GoalTask, is_dark: bool) -> None:
        self._task, self._player = task, Player(policy, task)
        self._gui = site.server.gui
        self._callbacks = CallbackQueue()
        self._is_paused = False
        self._stage = Stage(site, task)
        self._gizmo = site.server.scene.add_transform_controls(
            '/goal_arrows',
            scale=0.15,
            disable_rotations=True,
            translation_limits=_GOALS_M,
            depth_test=False,
        )
        self._gizmo.on_update(self._callbacks.defer_for_user(self._drag))
        self._status = self._gui.add_html('')
        self._add_buttons()
        self._add_goal()
        DisturbancePanel(self._gui, self._callbacks, task, self._disturb)
        self._gui.add_markdown(_HELP)
        colors = [('path of the gripper', BLUE), ('path of the object', ORANGE)]
        self._gui.add_html(legend(colors if self._has_object else colors[:1]))
        site.add_dark_box(is_dark)
        self._begin()

    @property
    def _has_object(self) -> bool:
        return any(name == 'object_position' for name, _ in self._task.observation_fields)

    def run(self, seconds: float = np.inf) -> None:
        """
        Act in real time, times the speed of the slider.

        :param seconds: how long, wall time
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pace = Pace(self._task.control_period_s / self._speed.value)
            speed = self._speed.value
            while self._speed.value == speed and time.monotonic() < until:
                self._advance()
                pace.wait()

    def _advance(self) -> None:
        """Do what was asked for, then move for a control period."""
        self._callbacks.run()
        if self._is_paused:
            return
        if not self._player.is_over:
            self._player.advance()
            self._end_at = time.monotonic() + _END_S
            self._show()
        elif time.monotonic() >= self._end_at:
            self._player.next()
            self._begin()

    def _add_buttons(self) -> None:
        play = self._gui.add_button('Pause', icon='player-pause')

        def pause() -> None:
            self._is_paused = not self._is_paused
            play.label = 'Play' if self._is_paused else 'Pause'
            play.icon = 'player-play' if self._is_paused else 'player-pause'
            self._show()

        play.on_click(self._callbacks.defer(pause))
        again = self._gui.add_button('Same start again', icon='rotate')
        again.on_click(self._callbacks.defer(self._again))
        other = self._gui.add_button('Next start', icon='player-track-next')
        other.on_click(self._callbacks.defer(self._next))
        self._speed = self._gui.add_slider(
            'Speed', 0.1, 2.0, 0.1, 1.0, hint='1: as fast as the robot would move'
        )

    def _add_goal(self) -> None:
        self._goal = self._gui.add_vector3(
            'Goal x, y, z (m)', (0.0, 0.0, 0.0), step=0.01, hint='in the frame of the world'
        )
        self._goal.on_update(self._callbacks.defer_for_user(self._type_goal))
        self._keep = self._gui.add_checkbox(
            'Keep this goal', False, hint='the next starts have it, too'
        )
        self._keep.on_update(self._callbacks.defer(self._take_keep))

    def _disturb(self, strengths: Mapping[str, float]) -> None:
        self._player.disturb(strengths)
        self._begin()

    def _again(self) -> None:
        self._player.restart()
        self._begin()

    def _next(self) -> None:
        self._player.next()
        self._begin()

    def _drag(self) -> None:
        self._move_goal(self._gizmo.position)

    def _type_goal(self) -> None:
        self._move_goal(self._goal.value)
        self._gizmo.position = self._player.goal

    def _move_goal(self, goal: Sequence[float]) -> None:
        low, high = np.array(_GOALS_M).T
        self._player.move_goal(np.clip(np.asarray(goal, np.float64), low, high))
        self._take_keep()
        self._goal.value = tuple(self._player.goal.round(3).tolist())
        self._show()

    def _take_keep(self) -> None:
        self._player.kept_goal = self._player.goal.copy() if self._keep.value else None

    def _begin(self) -> None:
        """Show the start of an episode."""
        self._paths: list[tuple[np.ndarray, np.ndarray]] = []
        self._gizmo.position = self._player.goal
        self._goal.value = tuple(self._player.goal.round(3).tolist())
        self._end_at = 0.0
        self._show()

    def _show(self) -> None:
        player, stage = self._player, self._stage
        self._paths.append((player.gripper, player.achieved))
        gripper, achieved = np.array(self._paths).swapaxes(0, 1)
        stage.show(player.qpos)
        stage.show_goal(player.goal)
        stage.show_path('gripper', gripper, BLUE)
        if self._has_object:
            stage.show_path('object', achieved, ORANGE)
        self._status.content = status(
            distance_m=player.distance_m,
            is_success=player.is_success,
            is_over=player.is_over,
            lines=[
                f'start {player.number + 1},'
                f' {player.step * self._task.control_period_s:.1f} s of'
                f' {self._task.episode_length * self._task.control_period_s:.1f} s',
                f'reached so far: {player.reached} of {player.ended}',
            ],
        )
