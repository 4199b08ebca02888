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

"""``her-ros bags``: describe, verify, recover, merge, convert, export and import bags."""

from pathlib import Path
import sys
from typing import Annotated, Literal

from her_ros.cli.examples import examples
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named, TASKS
import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help='Inspect, verify, recover, merge, convert, export and import bags, without ROS.',
)

Bags = Annotated[
    list[Path],
    typer.Argument(
        metavar='BAGS...',
        help='Bags, rosbag2 directories, folders of them, or run folders, which stand for their'
        ' bags/.',
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        help=f'Task of bags that do not name it: {", ".join(TASKS)}. Other bags are refused.'
    ),
]

Dataset = Literal['lerobot', 'minari']


def _task(name: str | None) -> GoalTask | None:
    return None if name is None else task_named(name)


@app.command(
    short_help='Show the contents of bags.',
    epilog=examples('her-ros bags info runs/FetchPush/run_001'),
)
def info(
    bags: Bags,
    task: Task = None,
    each: Annotated[bool, typer.Option('--each', help='Also print a line per bag.')] = False,
    as_json: Annotated[
        bool, typer.Option('--json', help='Print JSON: the total and each bag.')
    ] = False,
) -> None:
    """
    Show the contents of bags, and whether they are useful for training.

    HER can learn from a failed episode in which the achieved goal moved by more than the
    tolerance. Goals covered: the share of episodes whose desired goal lies in a cell, a cube as
    wide as the tolerance, that contains some achieved goal. Damage is listed. The exit status is
    1 only if no bag could be read to its end.
    """
    from her_ros.analysis.bags_info import info as run

    sys.exit(run(bags, _task(task), each, as_json))


@app.command(
    short_help='Verify the rows of bags.',
    epilog=examples('her-ros bags verify recorded --task FetchReach'),
)
def verify(
    bags: Bags,
    task: Task = None,
    every: Annotated[
        bool, typer.Option('--all', help='Print all faults, not 20 of each kind and bag.')
    ] = False,
) -> None:
    """
    Check every row of bags against the wire contract, and recompute the rewards.

    Each fault is one line: its place, the value found and the value expected. An episode that was
    unfinished at the end of the recording is a note, not a fault. The exit status is 1 if there
    is any fault.
    """
    from her_ros.cli.bags_verify import verify_bags as run

    sys.exit(run(bags, _task(task), every))


@app.command(
    short_help='Recover a damaged bag.',
    epilog=examples('her-ros bags recover rosbag2_2025_03_01-10_12_13'),
)
def recover(
    bag: Annotated[Path, typer.Argument(help='A bag or a rosbag2 directory.')],
    out: Annotated[
        Path | None, typer.Option(help='New rosbag2 directory; default: <bag>_recovered.')
    ] = None,
    task: Task = None,
) -> None:
    """
    Write everything readable in a damaged bag to a new bag.

    For bags that are truncated, lack index or metadata.yaml, or have damaged parts, for example
    because the recorder died or the disk failed. Damaged parts are left out. All topics are kept.
    The damaged bag is not changed.
    """
    from her_ros.cli.bags_mend import recover as run

    run(bag, out, _task(task))


@app.command(
    short_help='Merge bags into one.',
    epilog=examples('her-ros bags merge runs/FetchPush/run_001 --out push'),
)
def merge(
    bags: Bags,
    out: Annotated[Path, typer.Option(help='New rosbag2 directory.')],
    task: Task = None,
) -> None:
    """
    Merge bags of one task into one rosbag2 directory, ordered by stamps.

    The new bag has the episodes of all bags. Damaged bags, and bags with the same episode, are
    refused.
    """
    from her_ros.cli.bags_mend import merge as run

    run(bags, out, _task(task))


@app.command(
    short_help='Convert recordings to episodes.',
    epilog=examples('her-ros bags convert demos --task FetchPush --out push'),
)
def convert(
    bags: Bags,
    task: Annotated[str, typer.Option(help=f'Task of the recording: {", ".join(TASKS)}.')],
    out: Annotated[Path, typer.Option(help='Folder for the bags, one per episode.')],
    topic: Annotated[
        list[str] | None,
        typer.Option(help='Topic of an input, such as object_pose=/perception/block.'),
    ] = None,
    params: Annotated[
        Path | None, typer.Option(help='ROS parameter file; default: that of the task.')
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            '--set', help='Override, such as robot_bridge.command.full_action_speed_mps=0.4.'
        ),
    ] = None,
) -> None:
    """
    Convert recordings of a robot's own topics to bags for training.

    For recordings made without robot_bridge, such as demonstrations by hand. They must have
    joint_states, goal and, for tasks with an object, object_pose; recorded commands of the arm are
    used. An episode starts with the first motion after a goal.
    """
    from her_ros.orchestration.convert_bags import convert as run

    run(bags, task, out, topic or [], params, override or [])


@app.command(
    'export',
    short_help='Write bags as a data set of LeRobot or Minari.',
    epilog=examples(
        'her-ros bags export recorded --to minari --out minari',
        'her-ros bags export recorded --to lerobot --out out',
    ),
)
def export_(
    bags: Bags,
    to: Annotated[Dataset, typer.Option(help='Format.')],
    out: Annotated[Path, typer.Option(help='New folder for the data set.')],
    task: Task = None,
) -> None:
    """
    Write the finished episodes of bags as a data set that other libraries read.

    Minari carries all that bags carry. LeRobot carries observations in single precision, and no
    disturbed episodes. The libraries are installed by pip install 'her_ros[minari]' or, into an
    environment of its own, pip install lerobot==0.4.4.
    """
    from her_ros.orchestration.datasets import export_bags, Format

    export_bags(bags, out, Format(to), _task(task))


@app.command(
    'import',
    short_help='Write a data set of LeRobot or Minari as bags.',
    epilog=examples(
        'her-ros bags import push_minari --from minari --out push',
        'her-ros bags import minari --from minari --out bags',
    ),
)
def import_(
    dataset: Annotated[Path, typer.Argument(help='Folder of the data set.')],
    source: Annotated[Dataset, typer.Option('--from', help='Format.')],
    out: Annotated[Path, typer.Option(help='New folder for the bags.')],
    task: Annotated[
        str | None, typer.Option(help='Task of a data set that her-ros did not write.')
    ] = None,
) -> None:
    """
    Write the episodes of a data set as bags, for train-offline.

    A data set of Minari that others wrote needs the observations observation, achieved_goal and
    desired_goal, one goal per episode, and actions within -1 and 1. Rewards and successes are
    those of the task.
    """
    from her_ros.orchestration.datasets import Format, import_dataset

    import_dataset(dataset, out, Format(source), _task(task))
