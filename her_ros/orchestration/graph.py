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

"""List of the nodes, shared by the launch files and the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
import sys
from typing import Any

from her_ros.config.schema import ConfigError
from her_ros.runtime.ros_environment import checked_topic
from her_ros.runtime.run_folder import RunFolder
from her_ros.wire.topics import (
    COLLECTION_ENABLED,
    CURRENT_POSE,
    GRIPPER,
    GRIPPER_ACTION,
    JOINT_STATES,
    OBJECT_POSE,
    POLICY,
    ROBOT_DESCRIPTION,
    ROLLOUT_RECORDED,
    SEND_GOAL,
    TOOL_POSE,
    TRAJECTORY,
    TWIST,
)


@dataclass(frozen=True)
class NodeSpec:
    """
    A node to start, for ``launch_ros`` and for the supervisor.

    ``name`` is also the executable, and the module in :mod:`her_ros.nodes`.
    """

    name: str
    namespace: str
    remappings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: file that this node writes at the end of the run; empty: its end never ends the run
    result: str = ''
    #: whether it is started again when it dies
    restarts: bool = True

    @property
    def full_name(self) -> str:
        """Namespace and name."""
        return f'{self.namespace}/{self.name}'

    def has_finished(self, status: int) -> bool:
        """
        Return whether the run is over after the node ended with a status.

        A node that was stopped also has status 0, but leaves no result.
        """
        return status == 0 and bool(self.result) and Path(self.result).exists()

    def command(self, params_file: Path) -> list[str]:
        """Return the command that starts the node without ROS's own launcher."""
        arguments = ['-r', f'__node:={self.name}', '-r', f'__ns:={self.namespace}']
        for old, new in self.remappings.items():
            arguments += ['-r', f'{old}:={new}']
        arguments += ['--params-file', str(params_file)]
        for key, value in self.parameters.items():
            # rcl parses values as YAML, a superset of JSON: a path may contain ': ' or ' #'.
            arguments += ['-p', f'{key}:={json.dumps(value, ensure_ascii=False)}']
        # -P: the current folder may contain something named her_ros as well.
        module = f'her_ros.nodes.{self.name}'
        return [sys.executable, '-P', '-m', module, '--ros-args', *arguments]


#: target of the policy: the simulated robot, a robot with its own topics, or none, where another
#: program publishes ``step`` and takes ``action``
ROBOTS = ('simulated', 'real', 'none')
#: defaults of a deployment, for the command and for the launch file
DEPLOYED_TASK, DEPLOYED_ROBOT, ROBOT_NAMESPACE = 'FetchPush', ROBOTS[0], 'robot'
#: descriptions of the options about arms, for the commands and for the launch files
ARM_HELP = 'Arm that does the task: a name of `her-ros arms list`, or the path of a description.'
ACCEPT_ARM_HELP = 'Take a policy that was trained on another arm.'
_OF_ROBOT = (
    JOINT_STATES,
    ROBOT_DESCRIPTION,
    OBJECT_POSE,
    CURRENT_POSE,
    TWIST,
    TRAJECTORY,
    TOOL_POSE,
    GRIPPER,
    GRIPPER_ACTION + SEND_GOAL,
)

# In simulation no robot can be damaged, and policies come from the trainer.
_LOCK_STEP = {'deployment': False, 'accept_policies': True}


#: number of the first worker that joins a run; those of the run's own launcher are below
FIRST_JOINED = 100
#: largest number of workers that join
MOST_JOINED = 900


def worker_nodes(namespace: str, worker: int, run_dir: str, explore: bool) -> list[NodeSpec]:
    """List the nodes of one worker: simulation, policy, and a recorder where there is a folder."""
    own, shared = _worker_topics(namespace, worker)
    parameters = {'worker': worker, 'run_dir': run_dir}
    nodes = [
        NodeSpec('sim_env', own, shared, parameters),
        NodeSpec(
            'policy', own, shared, {**parameters, **_LOCK_STEP, 'exploration.enabled': explore}
        ),
    ]
    if run_dir:
        nodes.append(NodeSpec('recorder', own, shared, parameters))
    return nodes


def _worker_topics(namespace: str, worker: int) -> tuple[str, dict[str, str]]:
    """Return the namespace of a worker, and the remappings to the topics that all share."""
    shared = {
        topic: f'{namespace}/{topic}' for topic in (POLICY, COLLECTION_ENABLED, ROLLOUT_RECORDED)
    }
    return f'{namespace}/worker_{worker}', shared


def joined_nodes(
    namespace: str, worker: int, run_dir: str, threads: int | None = None, records: bool = True
) -> list[NodeSpec]:
    """
    List the nodes of a worker that joins a run.

    :param threads: of the physics; None: as in the parameters of the run
    :param records: whether its recorder is among them
    """
    nodes = worker_nodes('/' + namespace.strip('/'), worker, run_dir, explore=True)
    more = {} if threads is None else {'threads': threads}
    return [
        replace(node, parameters={**node.parameters, **more}) if node.name == 'sim_env' else node
        for node in nodes
        if records or node.name != 'recorder'
    ]


def training_nodes(
    namespace: str, workers: int, run_dir: str, recorders: int = 0, ranks: int = 1
) -> list[NodeSpec]:
    """
    List the nodes of a training run.

    :param recorders: number of recorders for workers that join without the run folder
    :param ranks: number of processes that learn; several can only start together
    """
    namespace = '/' + namespace.strip('/')
    result = str(RunFolder(run_dir).result)
    nodes = [
        NodeSpec('trainer', namespace, {}, {'run_dir': run_dir}, result, restarts=ranks == 1),
        NodeSpec('evaluator', namespace, parameters={'run_dir': run_dir}),
    ]
    for worker in range(workers):
        nodes += worker_nodes(namespace, worker, run_dir, explore=True)
    for worker in range(FIRST_JOINED, FIRST_JOINED + recorders):
        own, shared = _worker_topics(namespace, worker)
        nodes.append(NodeSpec('recorder', own, shared, {'worker': worker, 'run_dir': run_dir}))
    return nodes


def simulation_nodes(
    namespace: str, model: str, run_dir: str, real_time: bool = False, publish_scene: bool = False
) -> list[NodeSpec]:
    """List the nodes that run a policy in simulation, without a trainer."""
    namespace = '/' + namespace.strip('/')
    # Options not set here may still be set in the parameter file.
    asked = {'real_time': real_time, 'publish_scene': publish_scene}
    more: dict[str, dict[str, Any]] = {
        'sim_env': {
            'follow_collection_enabled': False,
            **{name: True for name in asked if asked[name]},
        },
        # Without a policy, actions are random exploration.
        'policy': {'model': model, 'exploration.enabled': not model},
    }
    return [
        replace(node, parameters={**node.parameters, **more.get(node.name, {})})
        for node in worker_nodes(namespace, 0, run_dir, explore=not model)
    ]


def recording_nodes(namespace: str, run_dir: str) -> list[NodeSpec]:
    """List the recorder alone, in the namespace of the ``step`` topic."""
    return [NodeSpec('recorder', '/' + namespace.strip('/'), parameters={'run_dir': run_dir})]


def deployment_nodes(
    namespace: str,
    model: str,
    autostart: bool,
    robot: str = 'simulated',
    run_dir: str = '',
    remap: Sequence[str] = (),
) -> list[NodeSpec]:
    """
    List the nodes that act on a robot, without exploration.

    :param robot: one of ``ROBOTS``; the topics of a real one are in no namespace
    :param run_dir: folder of a recorder; empty: record nothing
    :param remap: other names of a robot's topics, such as ``object_pose:=/perception/block``
    :raises ConfigError: if there is no such robot, or one of these is no remapping
    """
    if robot not in ROBOTS:
        raise ConfigError(f'robot {robot!r}', f'choose one of {", ".join(ROBOTS)}')
    others = dict(_remapping(each) for each in remap)
    own = '/' + namespace.strip('/')
    acting = {
        'model': model,
        'autostart': autostart,
        'deployment': True,
        'exploration.enabled': False,
    }
    nodes = [NodeSpec('policy', own, parameters=acting)]
    if robot == 'simulated':
        # It moves to its start position by itself, as it cannot hit anybody.
        bridge = NodeSpec('robot_bridge', own, others, {'home': True})
        nodes += [NodeSpec('simulated_robot', own), bridge]
    elif robot == 'real':
        plain = {topic: f'/{topic}' for topic in _OF_ROBOT}
        nodes.append(NodeSpec('robot_bridge', own, {**plain, **others}))
    if run_dir:
        nodes.append(NodeSpec('recorder', own, parameters={'run_dir': run_dir}))
    return nodes


def _remapping(text: str) -> tuple[str, str]:
    old, arrow, new = text.partition(':=')
    if not (old and arrow and new):
        raise ConfigError(
            f'remapping {text!r} has no two names', 'write OLD:=NEW, such as object_pose:=/block'
        )
    return checked_topic(old), checked_topic(new)
