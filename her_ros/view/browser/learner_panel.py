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

"""The part of a page that asks what a learner makes of an episode."""

from collections.abc import Callable, Sequence
from typing import Any, TYPE_CHECKING

from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.callback_queue import CallbackQueue

if TYPE_CHECKING:
    from her_ros.view.browser.learner_analysis import LearnerAnalysis, LearnerView


class LearnerPanel:
    """
    A box that asks for it, and a note on what is not known.

    :param gui: of viser
    :param run: that of the episodes; None: not known
    :param changed: called when the box was ticked or cleared
    """

    def __init__(
        self,
        gui: Any,
        callbacks: CallbackQueue,
        run: RunFolder | None,
        changed: Callable[[], None],
    ) -> None:
        self._run = run
        self._analysis: LearnerAnalysis | None = None
        self._box = gui.add_checkbox(
            "Learner's view",
            False,
            hint='the goals that HER puts in, and Q of the last checkpoint; needs some seconds',
        )
        self._box.on_update(callbacks.defer(changed))
        self._note = gui.add_markdown('')

    def look(
        self, episode: Episode, task: GoalTask, others: Callable[[], Sequence[Episode]]
    ) -> 'LearnerView | None':
        """
        Return what the learner makes of an episode; None: not wanted, or not known.

        :param others: returns other episodes of its bag
        """
        self._note.content = ''
        if not self._box.value:
            return None
        try:
            # Only now: torch takes seconds to load.
            from her_ros.view.browser.learner_analysis import LearnerAnalysis

            if self._analysis is None or self._analysis.task != task:
                self._analysis = LearnerAnalysis(self._run, task)
            view = self._analysis.look(episode, others())
        except (HerRosError, ImportError, OSError) as error:
            self._note.content = f'Not shown: {error}'
            return None
        self._note.content = view.note
        return view
