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

"""``her-ros view RUN`` and bags: recorded episodes, how they went and why."""

from collections.abc import Iterator, Mapping
import time

from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.pace import Pace
from her_ros.runtime.run_folder import RunFolder
from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.charts import Charts
from her_ros.view.browser.colors import BLUE, GREEN, GREY, ORANGE, PURPLE
from her_ros.view.browser.episode_list import EpisodeList
from her_ros.view.browser.learner_panel import LearnerPanel
from her_ros.view.browser.library import Entry, Library
from her_ros.view.browser.outcome import reason
from her_ros.view.browser.playback import Playback
from her_ros.view.browser.stage import Stage
from her_ros.view.browser.text import headline, legend, number, status
from her_ros.view.browser.web_site import Site
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Seconds between looks for new bags, and of reading between two pictures.
_LOOK_S, _READ_S = 1.0, 0.02
# After so many seconds the first episode is shown, also while others are read.
_FIRST_S = 1.0
_PERIOD_S = 0.04
_COLORS = (
    ('path of the gripper', BLUE), ('path of the object', ORANGE), ('goal', GREEN),
    ('goals of HER', PURPLE),
)  # fmt: skip


class EpisodesView:
    """
    The page of recorded episodes; :meth:`run` plays them.

    :param libraries: lists of episodes by name, such as those of a run and of its evaluations
    :param run: the run that they are from, for what its learner makes of them; None: not known
    """

    def __init__(
        self, site: Site, libraries: Mapping[str, Library], run: RunFolder | None, is_dark: bool
    ) -> None:
        self._site, self._libraries = site, libraries
        self._gui, self._callbacks = site.server.gui, CallbackQueue()
        self._entry: Entry | None = None
        self._search: tuple[Entry, Iterator[Episode | None]] | None = None
        self._stage: Stage | None = None
        self._charts: Charts | None = None
        self._hindsight: Floats | None = None
        self._unreadable: Entry | None = None
        #: what the list was last made of
        self._shown: object = None
        self._status = self._gui.add_html('')
        self._playback = Playback(self._gui, self._callbacks, self._show_step)
        with self._gui.add_folder('Episodes'):
            self._source = self._gui.add_dropdown(
                'From', tuple(libraries), visible=len(libraries) > 1
            )
            self._list = EpisodeList(self._gui, self._callbacks, self._choose)
        self._source.on_update(self._callbacks.defer(self._change_source))
        self._charts_folder = self._gui.add_folder('Step by step')
        self._learner = LearnerPanel(self._gui, self._callbacks, run, self._analyse)
        self._gui.add_html(legend(_COLORS))
        site.add_dark_box(is_dark)

    @property
    def _library(self) -> Library:
        return self._libraries[self._source.value]

    def run(self, seconds: float = np.inf) -> None:
        """
        Play what is chosen, and read what is recorded.

        :param seconds: how long, wall time
        """
        until, look_at = time.monotonic() + seconds, 0.0
        self._choose_at = time.monotonic() + _FIRST_S
        while time.monotonic() < until:
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_S
                self._look()
            task = self._entry.task if self._entry else None
            pace = Pace((task.control_period_s if task else _PERIOD_S) / self._playback.speed)
            self._callbacks.run()
            if self._library.is_reading:
                self._library.read(_READ_S)
            if self._search is not None:
                self._read_on()
            elif self._entry is None:
                self._choose_newest()
            else:
                self._playback.advance()
            pace.wait()

    def _choose_newest(self) -> None:
        """Choose the newest episode, or the newest so far if there are many to read."""
        library = self._library
        if not library.entries or library.entries[-1] == self._unreadable:
            return
        if not library.is_reading or time.monotonic() > self._choose_at:
            self._choose(library.entries[-1])

    def _look(self) -> None:
        """Look for new bags, and refresh the list if there was something new."""
        library = self._library
        library.look()
        present = (len(library.entries), library.is_reading, [*library.faults.values()])
        if present != self._shown:
            self._shown = present
            self._refresh()

    def _refresh(self) -> None:
        faults = [*self._library.faults.values()]
        notes = ['Reading …'] if self._library.is_reading else []
        if faults:
            notes.append(f'{len(faults)} could not be read, such as {faults[-1]}')
        self._list.show(self._library.entries, '<br/>'.join(notes))

    def _change_source(self) -> None:
        self._entry, self._search, self._shown = None, None, None
        self._playback.end()
        self._look()

    def _choose(self, entry: Entry) -> None:
        """Show an episode from its start, as soon as it is read."""
        self._search = (entry, self._library.search(entry))
        self._read_on()

    def _read_on(self) -> None:
        """Read for a moment, and show the episode that was chosen if it was found."""
        assert self._search is not None
        until, (entry, search) = time.monotonic() + _READ_S, self._search
        try:
            while (found := next(search)) is None:
                if time.monotonic() >= until:
                    self._status.content = headline('reading …', GREY, [str(entry.bag)])
                    return
        except (HerRosError, OSError) as error:
            self._unreadable, self._search = entry, None
            self._status.content = headline('cannot be read', GREY, [str(error)])
            return
        self._search, self._episode = None, found
        self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        """Show the episode that was read from its start."""
        self._prepare(entry)
        self._entry = entry
        self._playback.begin(entry.length)
        self._list.mark(entry, reason(self._episode, entry.task))
        self._show_episode()
        self._analyse()

    def _prepare(self, entry: Entry) -> None:
        """Set the scene and the charts of an episode's task."""
        if self._entry is not None and self._entry.task == entry.task:
            return
        try:
            self._stage, self._no_scene = Stage(self._site, entry.task), ''
        except HerRosError as error:
            self._site.server.scene.reset()
            self._stage, self._no_scene = None, f'not drawn: {error}'
        if self._charts is not None:
            self._charts.remove()
        with self._charts_folder:
            self._charts = Charts(self._gui, entry.task.action_size)

    def _show_episode(self) -> None:
        episode, stage = self._episode, self._stage
        assert self._charts is not None
        assert self._entry is not None
        self._charts.show(episode, self._entry.task)
        if stage is None:
            return
        slices = self._entry.task.observation_slices
        seen = episode.true_observation
        stage.show_goal(episode.desired_goal)
        stage.show_path('achieved', episode.achieved_goal, ORANGE)
        if 'object_position' in slices:
            stage.show_path('gripper', seen[:, slices['gripper_position']], BLUE)

    def _analyse(self) -> None:
        """Show what the learner makes of the episode, if that is wanted."""
        entry = self._entry
        if entry is None:
            return
        assert self._charts is not None
        view = self._learner.look(
            self._episode, entry.task, lambda: self._library.neighbours(entry)
        )
        self._hindsight = view.goals if view else None
        if self._hindsight is None and self._stage:
            self._stage.show_points('hindsight', np.zeros((0, 3)), PURPLE)
        self._charts.show(self._episode, entry.task, view.value if view else None)
        self._show_step()

    def _show_step(self) -> None:
        entry, step, episode = self._entry, self._playback.step, self._episode
        assert entry is not None
        assert self._charts is not None
        task = entry.task
        if self._stage is not None:
            self._stage.show_observed(episode.true_observation[step])
            if self._hindsight is not None:
                moves = min(step, entry.length - 1)
                self._stage.show_points('hindsight', self._hindsight[:, moves], PURPLE)
        self._charts.mark(step)
        achieved = episode.achieved_goal[step]
        self._status.content = status(
            float(task.distance(achieved, episode.desired_goal)),
            bool(task.is_success(achieved, episode.desired_goal)),
            step >= entry.length,
            [
                reason(episode, task),
                f'Episode {entry.number} of {task.name}: {entry.outcome}, {entry.length} steps,'
                f' return {number(entry.total_reward)}, policy version {entry.version}',
                *filter(None, [self._no_scene]),
            ],
        )
