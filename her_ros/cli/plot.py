"""``her-ros plot``: the pictures of an experiment, or of what HER did in a run."""

from pathlib import Path

from her_ros.cli.experiment_report import TABLE, write_report
from her_ros.cli.pictures import save
from her_ros.core.errors import HerRosError
from her_ros.core.run_folder import RunFolder


def plot(folder: Path) -> None:
    """Draw, and print what was written.

    :raises HerRosError: if the folder is neither an experiment nor a run, or not readable
    """
    if (folder / TABLE).exists():
        written = write_report(folder)
    elif (run := RunFolder(folder)).checkpoint.exists():
        written = _draw_run(run)
    else:
        raise HerRosError(f'{folder}: neither an experiment ({TABLE}) nor a run (checkpoint)')
    for path in written:
        print(path)


def _draw_run(run: RunFolder) -> list[Path]:
    # Only now: curves need no torch.
    from her_ros.cli.hindsight import curriculum_distances, learnt, picked_goals, reward_shares
    from her_ros.cli.hindsight_pictures import draw_curriculum, draw_goals, draw_rewards

    if not run.is_online:
        raise HerRosError(f'{run.path}: of offline training, which keeps no bags to draw from')
    of = learnt(run)
    title = f'{of.task.name}, {run.path.name}'
    plots = run.path / 'plots'
    plots.mkdir(exist_ok=True)
    return [
        *save(draw_rewards(reward_shares(of), title), plots, 'rewards'),
        *save(draw_goals(picked_goals(of), title), plots, 'goals'),
        *save(draw_curriculum(curriculum_distances(of), title), plots, 'curriculum'),
    ]
