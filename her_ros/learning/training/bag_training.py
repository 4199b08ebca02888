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

"""State, checkpoint and result shared by online and offline training."""

from collections.abc import Callable, Sequence
import dataclasses
import json
import time
from typing import Any

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner
from her_ros.learning.training.checkpoint import save_checkpoint
from her_ros.learning.training.checkpoint_form import LOG_FORM
from her_ros.learning.training.evaluation import Evaluation, EVALUATION_FORM, mean_return
from her_ros.learning.training.scalars import SUCCESS_RATE
from her_ros.runtime.files import write_whole
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.states import Outcome
from her_ros.tasks.goal_task import GoalTask

#: takes a named value at a step, such as TensorBoard's ``add_scalar``
RecordScalar = Callable[[str, float, int], None]


class BagTraining:
    """
    A learner with its folder, the log of its bags, its evaluations and its clock.

    :param record: writes values for TensorBoard
    """

    def __init__(
        self,
        task: GoalTask,
        parameters: TrainerParameters,
        folder: RunFolder,
        learner: Learner,
        record: RecordScalar,
    ) -> None:
        self.learner = learner
        self.parameters = parameters
        self.folder = folder
        self.evaluations: list[Evaluation] = []
        self._task = task
        self._record = record
        self._log: list[tuple[str, str]] = []  # name and SHA-256 of the bags read, in order
        self._trained_s = 0.0
        self._started = time.monotonic()

    @property
    def trained_s(self) -> float:
        """Wall clock spent so far, seconds, over all starts."""
        return self._trained_s + time.monotonic() - self._started

    def _form(self, **own: Any) -> dict[str, Any]:
        """
        Return the form of a checkpoint, see :func:`check_form`.

        :param own: parts of this kind of training
        """
        return {
            'learner': self.learner.form,
            'log': LOG_FORM,
            'evaluations': [EVALUATION_FORM],
            'trained_s': float,
            'compiled': bool,
            **own,
        }

    def _save(self, **own: Any) -> None:
        """
        Write the checkpoint.

        :param own: parts of this kind of training
        """
        state = {
            'learner': self.learner.state_dict(),
            'log': [list(entry) for entry in self._log],
            'evaluations': [dataclasses.asdict(each) for each in self.evaluations],
            'trained_s': self.trained_s,
            'compiled': self.learner.compiled,
            **own,
        }
        save_checkpoint(self.folder.checkpoint, state)

    def _restore(self, state: dict[str, Any]) -> None:
        """Take learner, evaluations and clock from a checkpoint of the right form."""
        self.learner.load_state_dict(state['learner'])
        self.evaluations = [Evaluation(**values) for values in state['evaluations']]
        self._trained_s = state['trained_s']

    def _add_evaluation(
        self, evaluation: Evaluation, episodes: Sequence[Episode], step: int
    ) -> None:
        """
        Add an evaluation and record its results.

        :param step: for TensorBoard
        """
        self.evaluations.append(evaluation)
        self._record(SUCCESS_RATE, evaluation.success_rate, step)
        self._record('evaluation/return', mean_return(episodes), step)

    def _result(self, outcome: Outcome | None, success_rate: float | None) -> dict[str, Any]:
        """
        Return the content of ``result.json``.

        :param success_rate: of the final policy; None if it was not evaluated
        """
        rates = [each.success_rate for each in self.evaluations]
        return {
            'task': self._task.name,
            'outcome': outcome,
            'success_rate': success_rate,
            'best_success_rate': max(rates, default=None),
            'env_steps': self.learner.env_steps,
            'episodes': self.learner.episodes,
            'updates': self.learner.updates,
            'wall_s': round(self.trained_s, 2),
            'seed': self.parameters.seed,
            'evaluations': [dataclasses.asdict(each) for each in self.evaluations],
        }

    def _write_result(self, result: dict[str, Any]) -> None:
        write_whole(self.folder.result, json.dumps(result, indent=1).encode())
