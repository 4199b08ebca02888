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

"""Read the progress of runs, finished or not, from their folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import is_locked
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.run_result import read_result


class RunState(Enum):
    """State of a run."""

    #: finished: solved its task
    SOLVED = 'solved'
    #: finished: reached its limit first
    LIMIT = 'limit'
    #: finished: made its updates, from bags
    TRAINED = 'trained'
    #: a process of this machine works on it
    RUNNING = 'running'
    #: the same command goes on with it
    UNFINISHED = 'unfinished'
    #: its result or checkpoint cannot be read
    DAMAGED = 'damaged'


@dataclass(frozen=True)
class RunProgress:
    """Progress of a run; counts are 0 before the first checkpoint."""

    folder: RunFolder
    state: RunState
    env_steps: int = 0
    updates: int = 0
    #: time spent training, seconds
    wall_s: float = 0.0
    #: in order, each with ``env_steps``, ``updates``, ``episodes`` and ``success_rate``
    evaluations: tuple[Mapping[str, Any], ...] = ()
    #: problem of a damaged run; None: it is not damaged
    error: HerRosError | None = None

    @property
    def best_success_rate(self) -> float | None:
        """Highest success rate of an evaluation; None before the first."""
        return max((each['success_rate'] for each in self.evaluations), default=None)


def find_runs(runs: Path) -> list[RunFolder]:
    """
    List the run folders ``<runs>/<task>/<name>``, ordered by task and name.

    :raises HerRosError: if there is no such folder
    """
    if not runs.is_dir():
        raise HerRosError('no such folder', 'name the folder of all runs', source=runs)
    return [RunFolder(path.parent) for path in sorted(runs.glob('*/*/params.yaml'))]


def progress_of(run: RunFolder) -> RunProgress:
    """Read the progress of a run; that of an unfinished one from its checkpoint."""
    try:
        if run.result.exists():
            result = read_result(run.result)
            return RunProgress(
                run,
                RunState(result['outcome']),
                result['env_steps'],
                result['updates'],
                result['wall_s'],
                tuple(result['evaluations']),
            )
        state = RunState.RUNNING if is_locked(run.path / 'lock') else RunState.UNFINISHED
        if not run.checkpoint.exists():
            return RunProgress(run, state)
        return _from_checkpoint(run, state)
    except HerRosError as error:
        return RunProgress(run, RunState.DAMAGED, error=error)
    except (OSError, KeyError, TypeError, ValueError) as error:
        damage = HerRosError(f'not readable ({error!r})', 'restore it from a copy', run.path)
        return RunProgress(run, RunState.DAMAGED, error=damage)


def _from_checkpoint(run: RunFolder, state: RunState) -> RunProgress:
    # Only now: finished runs need no torch.
    from her_ros.learning.training.checkpoint import load_checkpoint
    from her_ros.learning.training.checkpoint_form import check_form
    from her_ros.learning.training.evaluation import EVALUATION_FORM

    content = load_checkpoint(run.checkpoint)
    evaluations = content['evaluations']
    check_form(run.checkpoint, evaluations, [EVALUATION_FORM])
    env_steps, _, updates = content['learner']['counters']
    return RunProgress(run, state, env_steps, updates, content['trained_s'], tuple(evaluations))
