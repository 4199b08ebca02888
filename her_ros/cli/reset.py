"""``her-ros reset``."""

from typing import Annotated

import typer

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.config.schema import ConfigError

# Nodes that can be reset, and the namespaces that commands give them.
_RESETTABLE = {
    'robot_bridge': 'robot',
    'simulated_robot': 'robot',
    'fetch_env': 'her_ros/worker_0',
}


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
