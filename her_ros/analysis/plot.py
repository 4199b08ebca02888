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

"""``her-ros plot``: plot an experiment, runs, or the goals that HER sampled in a run."""

from collections.abc import Sequence
from pathlib import Path

from her_ros.analysis.plots import draw_curves, save
from her_ros.analysis.report import TABLE, write_report
from her_ros.analysis.results import Curve
from her_ros.analysis.run_progress import progress_of, RunProgress, RunState
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
import numpy as np


def plot(folders: Sequence[Path], out: Path) -> None:
    """
    Draw, and print what was written.

    :param out: folder for the curves of several runs
    :raises HerRosError: if a folder is neither an experiment nor a run, or not readable
    """
    for path in _draw(folders[0]) if len(folders) == 1 else _draw_together(folders, out):
        print(path)


def _draw(folder: Path) -> list[Path]:
    if (folder / TABLE).exists():
        return write_report(folder)
    if (run := RunFolder(folder)).checkpoint.exists():
        return _draw_run(run)
    raise HerRosError(
        f'neither an experiment ({TABLE}) nor a run (checkpoint)',
        'name runs/TASK/NAME, or the folder of an experiment',
        folder,
    )


def _draw_together(folders: Sequence[Path], out: Path) -> list[Path]:
    """Draw the success of runs over their env steps into one picture."""
    runs = {}
    for folder in folders:
        run = progress_of(RunFolder(folder))
        _require_curve(run)
        path = run.folder.path
        runs[f'{path.parent.name}/{path.name}'] = [_curve(run)]
    if len(runs) < len(folders):
        raise HerRosError('two of these folders are one run, or runs of one name', 'name others')
    out.mkdir(parents=True, exist_ok=True)
    return save(draw_curves(runs, 'success of evaluations'), out, 'curves')


def _require_curve(run: RunProgress) -> None:
    path = run.folder.path
    if run.error is not None:
        raise run.error
    if not run.folder.params.exists():
        raise HerRosError(
            'not a run', 'name run folders, such as runs/FetchReach/run_001', source=path
        )
    if run.state is RunState.TRAINED or not run.folder.is_online:
        raise HerRosError(
            'of offline training, which takes no env steps to draw over',
            'name runs of her-ros train',
            path,
        )
    if not run.evaluations:
        raise HerRosError('no evaluation yet', 'draw it after the first one', path)


def _curve(run: RunProgress) -> Curve:
    return Curve(
        0,
        np.array([each['env_steps'] for each in run.evaluations]),
        np.array([each['success_rate'] for each in run.evaluations]),
        run.state is RunState.SOLVED,
    )


def _draw_run(run: RunFolder) -> list[Path]:
    # Only now: curves need no torch.
    from her_ros.analysis.hindsight import (
        curriculum_distances,
        load_run,
        picked_goals,
        reward_shares,
    )
    from her_ros.analysis.hindsight_plots import draw_curriculum, draw_goals, draw_rewards

    if not run.is_online:
        raise HerRosError(
            'of offline training, which keeps no bags to draw from',
            'name a run of her-ros train',
            run.path,
        )
    of = load_run(run)
    title = f'{of.task.name}, {run.path.name}'
    plots = run.path / 'plots'
    plots.mkdir(exist_ok=True)
    return [
        *save(draw_rewards(reward_shares(of), title), plots, 'rewards'),
        *save(draw_goals(picked_goals(of), title), plots, 'goals'),
        *save(draw_curriculum(curriculum_distances(of), title), plots, 'curriculum'),
    ]
