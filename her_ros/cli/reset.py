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

"""``her-ros reset``."""

from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.config.schema import ConfigError
from her_ros.orchestration.graph import ROBOT_NAMESPACE
import typer

# Nodes that can be reset, and their default namespaces.
_RESETTABLE = {
    'robot_bridge': ROBOT_NAMESPACE,
    'simulated_robot': ROBOT_NAMESPACE,
    'sim_env': 'her_ros/worker_0',
}


@app.command(
    short_help='Repeat the last goal, or draw a new start state.',
    epilog=examples(
        'her-ros reset',
        'her-ros reset simulated_robot',
        'her-ros reset sim_env --namespace her_ros/worker_0',
    ),
)
def reset(
    node: Annotated[str, typer.Argument(help=f'Node to reset: {", ".join(_RESETTABLE)}.')] = (
        'robot_bridge'
    ),
    namespace: Annotated[
        str,
        typer.Option(help='Namespace of the node; default: robot, or her_ros/worker_0.'),
    ] = '',
) -> None:
    """
    Reset a running bridge, simulated robot or simulation.

    robot_bridge repeats the last goal. simulated_robot takes another start state of arm and
    object. sim_env abandons its rollout and starts another.
    """
    from her_ros.orchestration.goal import reset_node

    if node not in _RESETTABLE:
        raise ConfigError(
            f'node {node!r} cannot be reset', f'choose one of {", ".join(_RESETTABLE)}'
        )
    reset_node(node, namespace or _RESETTABLE[node])
