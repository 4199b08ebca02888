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

"""The node graph as launch actions, shared by the launch files."""

from collections.abc import Sequence
import os
from pathlib import Path
from typing import Any

from her_ros.config.schema import ConfigError
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import ACCEPT_ARM_HELP, ARM_HELP, NodeSpec
from her_ros.orchestration.restart_rule import RestartRule
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.process import LAUNCHER, USER_ERROR
from her_ros.runtime.ros_environment import check_ros_environment
from her_ros.runtime.run_result import is_solved, read_result
from her_ros.tasks.registry import TASKS
from launch import LaunchContext
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch_ros.actions import Node


class LaunchError(HerRosError):
    """A run that failed: launch prints it as one line, stops the nodes and exits with status 1."""


def argument(name: str, default: str, description: str, choices: Any = None) -> Any:
    """Declare a launch argument, described for ``--show-args``."""
    return DeclareLaunchArgument(
        name, default_value=default, description=description, choices=choices
    )


def task_argument() -> Any:
    """Declare the argument ``task`` of simulations."""
    names = f'{", ".join(TASKS)}, or gym:<id> of Gymnasium-Robotics'
    return argument('task', 'FetchReach', f'Task to learn or run: {names}.')


def arm_argument() -> Any:
    """Declare the argument ``arm``."""
    return argument('arm', '', f"{ARM_HELP} Empty: the task's.")


def accept_arm_argument() -> Any:
    """Declare the argument ``accept_arm`` of policies."""
    return argument('accept_arm', 'false', ACCEPT_ARM_HELP, ['true', 'false'])


def environment_actions(this_machine: bool = True) -> list[Any]:
    """
    Set the nodes' environment, see :func:`graph_environment`, and name the launcher in it.

    :param this_machine: limit discovery to this machine; a robot may be on another one
    """
    wanted = {**graph_environment(this_machine=this_machine), LAUNCHER: str(os.getpid())}
    return [SetEnvironmentVariable(*pair) for pair in wanted.items()]


def positive_integer(name: str, text: str) -> int:
    """
    Convert a launch argument, which is always text, to an integer.

    :raises ConfigError: if it is no positive integer
    """
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f'{name} is {text!r}', 'it must be a positive integer')
    return int(text)


def with_arguments(function: Any) -> Any:
    """
    Call a function with the launch arguments as keywords, once they are known.

    If it raises an error, launch prints one line and ends with status 1.
    """

    def call(context: LaunchContext) -> list[Any]:
        check_ros_environment(context.environment)
        actions: list[Any] = function(**context.launch_configurations)
        return actions

    return OpaqueFunction(function=call)


def node_actions(specs: Sequence[NodeSpec], params_file: Path) -> list[Any]:
    """
    Start nodes, restart those that die, end the launch by the same rules as ``her-ros train``.

    launch calls the exit handler before it respawns; the delay lets a shutdown take effect.
    """
    rule = RestartRule()
    return [
        Node(
            package='her_ros',
            executable=spec.name,
            name=spec.name,
            namespace=spec.namespace,
            parameters=[str(params_file), dict(spec.parameters)],
            remappings=list(spec.remappings.items()),
            output='both',
            respawn=True,
            respawn_delay=0.5,
            on_exit=_exit_handler(spec, rule),
        )
        for spec in specs
    ]


def _exit_handler(spec: NodeSpec, rule: RestartRule) -> Any:
    def on_exit(event: ProcessExited, context: LaunchContext) -> Any:
        if context.is_shutdown:
            return None
        if spec.has_finished(event.returncode):
            return end_of_run(
                read_result(Path(spec.result)), f'{spec.full_name} has finished the run'
            )
        if event.returncode == USER_ERROR:
            raise LaunchError(f'{spec.full_name} needs its user', 'its last line says why')
        if not rule.allows(spec.full_name):
            raise LaunchError(RestartRule.verdict(spec.full_name), 'its last lines say why')
        return None

    return on_exit


def end_of_run(result: dict[str, Any], reason: str) -> list[Any]:
    """
    End the launch with the status of ``her-ros train``, and print the reason.

    :param result: of the run
    :raises LaunchError: if the run has not solved its task
    """
    if not is_solved(result):
        raise LaunchError(
            f'not solved within its limit; {reason}',
            'raise trainer.stop.env_steps and start it again',
        )
    reason = f'solved; {reason}'
    # launch does not print the reason.
    return [LogInfo(msg=f'her_ros: {reason}'), EmitEvent(event=Shutdown(reason=reason))]
