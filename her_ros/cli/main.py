"""``her-ros``: the one command."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from her_ros import __version__
from her_ros.cli.bags import app as bags_app
from her_ros.cli.examples import examples
from her_ros.cli.runs import app as runs_app
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.config.schema import ConfigError, parameters_of
from her_ros.orchestration.graph import ROBOTS
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.last_error import report
from her_ros.runtime.output import steady_output
from her_ros.runtime.process import end_command_by_signals
from her_ros.tasks.registry import TASKS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # a table would cut what a narrow terminal does not hold
    help='Teach a robot arm to reach goals from failures: DDPG with Hindsight Experience Replay,'
    ' over real ROS 2 topics and bags.',
)
app.add_typer(bags_app, name='bags', short_help='Inspect, check and repair bags.')
app.add_typer(runs_app, name='runs', short_help='List runs.')

_GUARDS = parameters_of(LearnerParameters)['guard'].choices

_LEARNABLE = f'Task to learn: {", ".join(TASKS)}, or gym:<id> of Gymnasium-Robotics.'

# Nodes that can be reset, and the namespaces that commands give them.
_RESETTABLE = {
    'robot_bridge': 'robot',
    'simulated_robot': 'robot',
    'fetch_env': 'her_ros/worker_0',
}

# typer's status after an interrupt.
_INTERRUPTED = 130

Seed = Annotated[int | None, typer.Option(help='Seed of the run.')]
Params = Annotated[
    Path | None,
    typer.Option(help="ROS parameter file; default: the run's own, or the one of the task."),
]
Overrides = Annotated[
    list[str] | None, typer.Option('--set', help='Override, such as trainer.batch_size=128.')
]


def _protocol(name: str) -> Any:
    """Return the option of a parameter of the evaluation protocol."""
    known = parameters_of(EvaluationProtocol)[name]
    return typer.Option(
        min=known.minimum, max=known.maximum, help=f'{known.description.capitalize()}.'
    )


Episodes = Annotated[int, _protocol('episodes')]
NumEnvs = Annotated[int, _protocol('num_envs')]
Threads = Annotated[int, _protocol('threads')]


def _version(asked: bool) -> None:
    if asked:
        print(f'her-ros {__version__}')
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option('--version', callback=_version, is_eager=True, help='Show the version.')
    ] = False,
) -> None:
    pass


@app.command(
    short_help='Train a task through ROS 2 nodes.',
    epilog=examples(
        'her-ros train',
        'her-ros train --task FetchPush --new --seed 3',
        'her-ros train --set trainer.batch_size=512',
        'her-ros train --set trainer.max_env_steps=2000000',
    ),
)
def train(
    task: Annotated[str, typer.Option(help=_LEARNABLE)] = 'FetchReach',
    runs: Annotated[Path, typer.Option(help='Folder of all runs.')] = Path('runs'),
    name: Annotated[
        str,
        typer.Option(help='Name of the run, to start or to go on with; default: the last one.'),
    ] = '',
    new: Annotated[bool, typer.Option('--new', help='Start another run.')] = False,
    seed: Seed = None,
    workers: Annotated[int, typer.Option(min=1, max=100, help='Simulation workers.')] = 1,
    params: Params = None,
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the run.')] = 'her_ros',
) -> None:
    """Train a task through real ROS 2 nodes, and write a policy.

    Starts simulation, policy, recorder, evaluator and trainer as processes, shows how they do,
    and stops by the task's stop rule. Without --new, the last run of
    the task goes on, with the parameters that it began with. Only its stop rule may change:
    trainer.max_env_steps, trainer.stop_success, trainer.stop_evaluations. The exit status is 0 if
    the task is solved, and 1 if the run reaches its limit first.
    """
    from her_ros.orchestration.train import train as run

    overrides = [*([] if seed is None else [f'seed={seed}']), *(override or [])]
    sys.exit(run(task, runs, name, new, params, overrides, workers, namespace))


@app.command(
    'train-offline',
    short_help='Train from bags, without ROS.',
    epilog=examples('her-ros train-offline bags/monday bags/tuesday.mcap'),
)
def train_offline(
    bags: Annotated[
        list[Path],
        typer.Argument(help='Bags, folders of bags, or run folders.', show_default=False),
    ],
    task: Annotated[str, typer.Option(help='Task; default: what the bags say.')] = '',
    out: Annotated[
        Path | None, typer.Option(help='Folder for the results; default: runs/TASK/offline.')
    ] = None,
    updates: Annotated[int, typer.Option(min=1, help='Updates to make.')] = 40_000,
    guard: Annotated[
        str | None,
        typer.Option(help=f'What keeps the policy close to the bags: {", ".join(_GUARDS)}.'),
    ] = None,
    seed: Seed = None,
    evaluate: Annotated[
        bool, typer.Option('--evaluate', help='Judge the policy in simulation, up to ten times.')
    ] = False,
    params: Params = None,
    override: Overrides = None,
) -> None:
    """Train from bags that exist, without ROS. Only --evaluate runs a simulation.

    Takes bags of this package or of `ros2 bag record`, in any number and form; relabels them with
    HER; leaves the same files as `train`. The same command again resumes.
    """
    from her_ros.orchestration.train_offline import Options
    from her_ros.orchestration.train_offline import train_offline as run

    overrides = [
        *([] if seed is None else [f'seed={seed}']),
        *(override or []),
        *([] if guard is None else [f'trainer.guard={guard}']),
    ]
    sys.exit(run(Options(bags, task, out, updates, params, overrides, evaluate)))


@app.command(
    short_help='Compare variants by many trainings.',
    epilog=examples(
        'her-ros experiment her --set trainer.max_env_steps=6000',
        'her-ros experiment my_experiment.yaml --seeds 5',
    ),
)
def experiment(
    name: Annotated[
        str, typer.Argument(help='Which one; --list shows them. Or a YAML file of your own.')
    ] = '',
    show_list: Annotated[bool, typer.Option('--list', help='Show what there is.')] = False,
    task: Annotated[str, typer.Option(help=_LEARNABLE)] = 'FetchReach',
    seeds: Annotated[int, typer.Option(min=1, help='Runs per arm, with seeds from 0 on.')] = 3,
    out: Annotated[
        Path | None, typer.Option(help='Folder for everything; default: experiments/NAME_TASK.')
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help='Runs at once; default: one per two cores.')
    ] = None,
    params: Params = None,
    override: Overrides = None,
) -> None:
    """Compare members of the HER family by many trainings, and draw their learning curves.

    Every arm of the experiment is trained with every seed, each a run like those of `train`.
    Leaves results.csv, summary.md and curves. The same command again runs what is missing.
    """
    from her_ros.analysis.experiment import Options, list_experiments
    from her_ros.analysis.experiment import experiment as run

    if show_list or not name:
        list_experiments()
        return
    sys.exit(run(Options(name, task, seeds, out, jobs, override or [], params)))


@app.command(
    short_help='Draw an experiment or runs.',
    epilog=examples(
        'her-ros plot runs/FetchPush/run_001',
        'her-ros plot runs/FetchPush/one runs/FetchPush/two',
    ),
)
def plot(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar='FOLDERS...', help='Folder of an experiment, or of one or more runs.'
        ),
    ],
    out: Annotated[Path, typer.Option(help='Folder for the curves of several runs.')] = Path(
        'plots'
    ),
) -> None:
    """Draw the curves of an experiment again, what HER did in a run, or runs beside each other.

    Of several runs: success over env steps, also of unfinished runs. Of one run: the share of
    rewards that are 0 before and after relabelling, over the training; the goals that HER puts in
    along one of its episodes; and where a curriculum draws its goals, into its plots/.
    """
    from her_ros.analysis.plot import plot as draw

    draw(folders, out)


@app.command(
    short_help='Measure a policy in simulation.',
    epilog=examples('her-ros evaluate models/FetchPush/policy.onnx'),
)
def evaluate(
    model: Annotated[Path, typer.Argument(help='An ONNX policy.')],
    episodes: Episodes = EvaluationProtocol.episodes,
    num_envs: NumEnvs = EvaluationProtocol.num_envs,
    threads: Threads = EvaluationProtocol.threads,
) -> None:
    """Measure the success rate of a policy in simulation, in this process and without ROS.

    The start states are those of training's evaluations: fixed, and never trained on.
    """
    from her_ros.analysis.evaluate import evaluate as run

    run(model, EvaluationProtocol(episodes, num_envs, threads))


@app.command(
    short_help='Run a policy on a robot.',
    epilog=examples(
        'her-ros deploy --task FetchPush', 'her-ros deploy --robot real --params mine.yaml'
    ),
)
def deploy(
    task: Annotated[str, typer.Option(help=f'Task to do: {", ".join(TASKS)}.')] = 'FetchPush',
    model: Annotated[
        Path | None, typer.Option(help='ONNX policy; default: the one shipped for the task.')
    ] = None,
    robot: Annotated[
        str, typer.Option(help=f'What to act on: {", ".join(ROBOTS)}.')
    ] = 'simulated',
    folder: Annotated[
        Path | None, typer.Option(help='Folder for logs and bags; default: runs/TASK/robot.')
    ] = None,
    record: Annotated[
        bool, typer.Option('--record', help='Record every episode, to learn from.')
    ] = False,
    params: Params = None,
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the nodes.')] = 'robot',
    remap: Annotated[
        list[str] | None,
        typer.Option(help="Another name of a robot's topic, such as object_pose:=/block."),
    ] = None,
) -> None:
    """Run a policy on a robot, behind its safety filter and watchdog.

    Starts policy, robot_bridge and, where there is no other, a simulated robot; each new goal on
    /robot/goal is an episode. With `--robot none` the policy alone.
    """
    from her_ros.orchestration.deploy import deploy as run

    sys.exit(
        run(task, model, robot, folder, record, params, override or [], namespace, remap or [])
    )


@app.command(
    short_help='Send a goal, and report its end.',
    epilog=examples('her-ros goal 1.3 0.85', 'her-ros goal 0.6 -0.2 --frame base_link'),
)
def goal(
    x: Annotated[float, typer.Argument(help='Metres.')],
    y: Annotated[float, typer.Argument(help='Metres.')],
    z: Annotated[
        float, typer.Argument(help='Metres; objects on the table stay on its height.')
    ] = 0.425,
    frame: Annotated[str, typer.Option(help='Frame of the point.')] = 'world',
    namespace: Annotated[str, typer.Option(help='Namespace of the goal topic.')] = 'robot',
    wait: Annotated[
        bool, typer.Option(help='Wait for the end of the episode, or only for acceptance.')
    ] = True,
) -> None:
    """Send a goal to a robot, or a simulation, that runs, and say what becomes of it.

    Status: 0 reached (with --no-wait: accepted), 1 refused, 3 missed, 4 given up or unknown.
    Ctrl-C stops the robot.
    """
    from her_ros.orchestration.goal import send_goal

    sys.exit(send_goal((x, y, z), frame, namespace, wait))


@app.command(short_help='Stop a robot and drop its goals.', epilog=examples('her-ros stop'))
def stop(
    namespace: Annotated[str, typer.Option(help='Namespace of the bridge.')] = 'robot',
) -> None:
    """Stop a robot, and drop its goals; another goal moves it again."""
    from her_ros.orchestration.goal import stop_robot

    stop_robot(namespace)


@app.command(
    short_help='Try the last goal again, or start anew.',
    epilog=examples(
        'her-ros reset',
        'her-ros reset simulated_robot',
        'her-ros reset fetch_env --namespace her_ros/worker_0',
    ),
)
def reset(
    node: Annotated[str, typer.Argument(help=f'What to reset: {", ".join(_RESETTABLE)}.')] = (
        'robot_bridge'
    ),
    namespace: Annotated[
        str,
        typer.Option(help='Namespace of the node; default: robot, or her_ros/worker_0.'),
    ] = '',
) -> None:
    """Reset a robot's bridge, a simulated robot, or a simulation that runs.

    robot_bridge tries the last goal again. simulated_robot takes another start state: arm and
    object elsewhere. fetch_env abandons its rollout and starts another.
    """
    from her_ros.orchestration.goal import reset_node

    if node not in _RESETTABLE:
        raise ConfigError(f'reset {node!r}: choose one of {", ".join(_RESETTABLE)}')
    reset_node(node, namespace or _RESETTABLE[node])


@app.command(
    short_help='Run a policy in simulation, with ROS.',
    epilog=examples(
        'her-ros simulate --real-time --publish-scene',
        'her-ros simulate --model my_model/policy.onnx',
    ),
)
def simulate(
    task: Annotated[str, typer.Option(help=_LEARNABLE)] = 'FetchReach',
    model: Annotated[
        Path | None, typer.Option(help='ONNX policy; default: the one shipped for the task.')
    ] = None,
    real_time: Annotated[
        bool, typer.Option('--real-time', help='Move as fast as a robot.')
    ] = False,
    publish_scene: Annotated[
        bool, typer.Option('--publish-scene', help='Show environment 0 in RViz and Foxglove.')
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help='Folder for logs and bags; default: runs/TASK/simulation.')
    ] = None,
    record: Annotated[
        bool, typer.Option('--record', help='Record every episode, to learn from.')
    ] = False,
    params: Params = None,
    override: Overrides = None,
    namespace: Annotated[str, typer.Option(help='ROS namespace of the nodes.')] = 'her_ros',
) -> None:
    """Run a policy in simulation through ROS 2 nodes, until Ctrl-C.

    Starts simulation and policy, as simulate.launch.py does, for machines without the ros2
    command. To measure a policy without ROS, use evaluate.
    """
    from her_ros.orchestration.simulate import Options
    from her_ros.orchestration.simulate import simulate as run

    more = (folder, record, params, override or [], namespace)
    run(Options(task, model, real_time, publish_scene, *more))


@app.command(
    short_help='Write a policy and its model card.',
    epilog=examples('her-ros card runs/FetchPush/run_001 --out my_model'),
)
def card(
    run: Annotated[Path, typer.Argument(help='Folder of a finished run.')],
    out: Annotated[Path, typer.Option(help='Folder for policy and card.')],
    episodes: Episodes = 1000,
    num_envs: NumEnvs = EvaluationProtocol.num_envs,
    threads: Threads = EvaluationProtocol.threads,
) -> None:
    """Write a run's best policy and its model card into a folder."""
    from her_ros.analysis.card import card as write

    write(run, out, EvaluationProtocol(episodes, num_envs, threads))


@app.command(
    short_help='Print the rows of a step topic.',
    epilog=examples('her-ros echo', 'her-ros echo /robot/step --rows 1'),
)
def echo(
    topic: Annotated[str, typer.Argument(help='A step topic.')] = '/her_ros/worker_0/step',
    rows: Annotated[int, typer.Option(help='Rows to print; 0: until Ctrl-C.', min=0)] = 0,
    timeout: Annotated[float, typer.Option(help='Give up after so many silent seconds.')] = 10.0,
) -> None:
    """Print the rows of a step topic as a table."""
    from her_ros.view.echo import echo as run

    run(topic, rows, timeout)


@app.command(
    short_help='Send a policy to a policy node.',
    epilog=examples('her-ros publish runs/FetchPush/run_001/policy.onnx'),
)
def publish(
    model: Annotated[Path, typer.Argument(help='An ONNX policy; MODEL.sig is sent with it.')],
    topic: Annotated[str, typer.Option(help='A policy topic.')] = '/robot/policy',
    timeout: Annotated[float, typer.Option(help='Give up after so many seconds.')] = 10.0,
) -> None:
    """Send a policy to a policy node whose parameter accept_policies is true.

    The node uses it from the next episode on. Its diagnostics say whether it was accepted.
    """
    from her_ros.orchestration.publish import publish as run

    run(model, topic, timeout)


# To the parser, what begins with a dash is an option, such as the y of a goal at (0.6, -0.2).
_NEGATIVE_NUMBER = re.compile(
    r'-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-inf|-nan', re.ASCII | re.IGNORECASE
)


def main() -> None:
    """Run the command; a user's error is one line and status 1."""
    steady_output(ends_with_reader=True)
    signal_that_came = end_command_by_signals()
    try:
        app([number_or_not(word) for word in sys.argv[1:]])
    except SystemExit as ended:
        # typer has one status for every interrupt.
        number = signal_that_came()
        sys.exit(128 + number if number and ended.code == _INTERRUPTED else ended.code)
    except ImportError as error:
        if (error.name or 'her_ros').startswith('her_ros'):
            raise  # a bug of ours
        report(
            HerRosError(
                f'{error.name} cannot be loaded ({one_line(error)[:200]}); install what her_ros'
                ' requires, or source the set-up file of ROS'
            ),
            'her-ros',
        )
        sys.exit(1)
    except (HerRosError, OSError) as error:  # OSError: a full disk, or a file nobody may read
        report(error, 'her-ros')
        sys.exit(1)


def number_or_not(word: str) -> str:
    """Return an argument such that the parser takes a negative number for one."""
    return f' {word}' if _NEGATIVE_NUMBER.fullmatch(word) else word


if __name__ == '__main__':
    main()
