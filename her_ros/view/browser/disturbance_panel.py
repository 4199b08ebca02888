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

"""The part of a page that sets disturbances: a set of them, or a slider for each."""

from collections.abc import Callable, Mapping
from typing import Any

from her_ros.tasks.disturbances import DISTURBANCES, MAX_STRENGTH, SETS
from her_ros.tasks.goal_task import GoalTask
from her_ros.view.browser.callback_queue import CallbackQueue
from her_ros.view.browser.player import disturbances_of

_NO_SET, _OWN_SET = 'none', 'as set below'


class DisturbancePanel:
    """
    Strengths of the disturbances that act on a task.

    :param gui: of viser
    :param disturb: called with the strengths by name when they have changed
    """

    def __init__(
        self,
        gui: Any,
        callbacks: CallbackQueue,
        task: GoalTask,
        disturb: Callable[[Mapping[str, float]], None],
    ) -> None:
        self._disturb = disturb
        with gui.add_folder('Disturbances', expand_by_default=False):
            self._set = gui.add_dropdown(
                'Set', (_NO_SET, *SETS, _OWN_SET), hint='they act from the next start on'
            )
            self._sliders = {
                name: gui.add_slider(
                    name, 0.0, MAX_STRENGTH, 0.1, 0.0, hint=DISTURBANCES[name].description
                )
                for name in disturbances_of(task)
            }
        self._set.on_update(callbacks.defer_for_user(self._take_set))
        for slider in self._sliders.values():
            slider.on_update(callbacks.defer_for_user(self._take_slider))

    def _take_set(self) -> None:
        if self._set.value != _OWN_SET:
            for name, slider in self._sliders.items():
                slider.value = float(name in SETS.get(self._set.value, ()))
            self._changed()

    def _take_slider(self) -> None:
        self._set.value = _OWN_SET
        self._changed()

    def _changed(self) -> None:
        self._disturb({name: slider.value for name, slider in self._sliders.items()})
