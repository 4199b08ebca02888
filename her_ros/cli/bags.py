"""``her-ros bags``: describe, verify, recover, merge and convert bags."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from her_ros.cli.examples import examples
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS, task_named

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help='Look into, check, mend and merge bags, without ROS.',
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
        help=f'Task of bags that do not say: {", ".join(TASKS)}. Bags of another one are refused.'
    ),
]


def _task(name: str | None) -> GoalTask | None:
    return None if name is None else task_named(name)


@app.command(
    short_help='Show what bags hold.', epilog=examples('her-ros bags info runs/FetchPush/run_001')
)
def info(
    bags: Bags,
    task: Task = None,
    each: Annotated[bool, typer.Option('--each', help='A line for every bag, too.')] = False,
    as_json: Annotated[
        bool, typer.Option('--json', help='Print JSON: the total, and every bag.')
    ] = False,
) -> None:
    """Say what bags hold, and whether it is worth training on.

    HER can learn from a failure in which the achieved goal got further than the tolerance from
    where it began. Goals covered: the share of the episodes whose desired goal lies in a cell, a
    cube as wide as the tolerance, in which some achieved goal lay. What is damaged is listed; the
    status is 1 only if no bag could be read to its end.
    """
    from her_ros.analysis.bags_info import info as run

    sys.exit(run(bags, _task(task), each, as_json))


@app.command(
    short_help='Check bags against the contract.',
    epilog=examples('her-ros bags verify recorded --task FetchReach'),
)
def verify(
    bags: Bags,
    task: Task = None,
    every: Annotated[
        bool, typer.Option('--all', help='Print all faults, not 20 of each kind and bag.')
    ] = False,
) -> None:
    """Check every row of bags against the wire contract; rewards are computed anew.

    One line says of a fault where it is, what was found and what was expected. An episode that
    was not finished when the recording ended is noted and no fault. The status is 1 if there is
    any fault.
    """
    from her_ros.cli.bags_verify import verify_bags as run

    sys.exit(run(bags, _task(task), every))


@app.command(
    short_help='Save what is left of a bag.',
    epilog=examples('her-ros bags recover rosbag2_2025_03_01-10_12_13'),
)
def recover(
    bag: Annotated[Path, typer.Argument(help='A bag or a rosbag2 directory.')],
    out: Annotated[
        Path | None, typer.Option(help='New rosbag2 directory; default: <bag>_recovered.')
    ] = None,
    task: Task = None,
) -> None:
    """Write all that can be read of a damaged bag into a new one.

    For bags whose recorder died or whose disk failed: cut short, without index or metadata.yaml,
    with damaged parts, which are left out. All topics are kept. The damaged bag stays as it is.
    """
    from her_ros.cli.bags_mend import recover as run

    run(bag, out, _task(task))


@app.command(
    short_help='Make one bag of many.',
    epilog=examples('her-ros bags merge runs/FetchPush/run_001 --out push'),
)
def merge(
    bags: Bags,
    out: Annotated[Path, typer.Option(help='New rosbag2 directory.')],
    task: Task = None,
) -> None:
    """Write bags of one task into one rosbag2 directory, by stamps.

    Training from it gets the episodes of all the bags. Damaged bags, and bags that hold the same
    episode, are refused.
    """
    from her_ros.cli.bags_mend import merge as run

    run(bags, out, _task(task))


@app.command(
    short_help='Make episodes of recordings.',
    epilog=examples('her-ros bags convert demos --task FetchPush --out push'),
)
def convert(
    bags: Bags,
    task: Annotated[str, typer.Option(help=f'What was being done: {", ".join(TASKS)}.')],
    out: Annotated[Path, typer.Option(help='Folder for the bags, one per episode.')],
    topic: Annotated[
        list[str] | None,
        typer.Option(help='Where something is, such as object_pose=/perception/block.'),
    ] = None,
    params: Annotated[
        Path | None, typer.Option(help='ROS parameter file; default: the one of the task.')
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option('--set', help='Override, such as robot_bridge.full_action_speed_mps=0.4.'),
    ] = None,
) -> None:
    """Turn recordings of a robot's own topics into bags that train.

    For what was recorded without robot_bridge, such as demonstrations by hand: joint_states,
    object_pose and goal, and what the arm was told where that was recorded. An episode begins with
    the first motion after a goal.
    """
    from her_ros.orchestration.convert_bags import convert as run

    run(bags, task, out, topic or [], params, override or [])
