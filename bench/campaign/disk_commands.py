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

"""Parts of the section ``disk``: a recording to convert, and nodes as processes."""

import atexit
from collections.abc import Callable
import contextlib
from functools import cache
import os
from pathlib import Path
import shutil
import signal
import subprocess
import tempfile
import time
from typing import IO

from campaign.processes import claimed_domain
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import training_nodes
from her_ros.robot.simulated.robot import SimulatedRobot
from her_ros.runtime.errors import HerRosError
from her_ros.tasks.registry import TASKS
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

_START_NS = 1_700_000_000 * 10**9
_STORE = get_typestore(Stores.ROS2_JAZZY)
_START_S, _END_S = 15.0, 30.0


def prepare_recording(place: Path) -> None:
    """Leave ``demo``, the recording of an arm that reaches one goal."""
    shutil.copytree(_recording(), place / 'demo')


@cache
def _recording() -> Path:
    temporary = tempfile.mkdtemp(prefix='her_ros_disk_')
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    folder = Path(temporary, 'demo')
    robot, types = SimulatedRobot(TASKS['FetchReach']), _STORE.types
    robot.reset(0)
    goal = robot.grip_position + np.array([0.1, 0.0, 0.0])
    joints, point = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/PointStamped'
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = {
            kind: writer.add_connection(topic, kind, typestore=_STORE)
            for topic, kind in (('/joint_states', joints), ('/goal', point))
        }

        def write(kind: str, time_s: float, *values: object) -> None:
            stamp_ns = _START_NS + round(1e9 * time_s)
            stamp = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, 10**9))
            message = types[kind](types['std_msgs/msg/Header'](stamp, 'world'), *values)
            writer.write(topics[kind], stamp_ns, _STORE.serialize_cdr(message, kind))

        write(point, 0.0, types['geometry_msgs/msg/Point'](*map(float, goal)))
        for number in range(100):
            robot.command_velocity(np.clip(4.0 * (goal - robot.grip_position), -0.6, 0.6))
            robot.advance(5)
            measured = (robot.joint_positions, robot.joint_velocities, np.zeros(0))
            write(joints, 0.01 * (number + 1), [*robot.joint_names], *measured)
    return folder


def node(name: str, ends_itself: bool = False) -> Callable[[Path], None]:
    """
    Return a function that runs a node of the run in ``run``; its output goes to the same disk.

    :param ends_itself: wait for its end; else tell it to end once it has its role
    """

    def write(place: Path) -> None:
        run = place / 'run'
        with tempfile.TemporaryDirectory() as elsewhere, claimed_domain() as domain:
            log = _log(run / 'log' / f'{name}.log', Path(elsewhere))
            with log:
                status = _status(name, run, log, domain, Path(elsewhere), ends_itself)
                with open(log.name, 'rb') as file:
                    said = file.read().decode(errors='replace')
        if 'Traceback' in said:
            raise RuntimeError(said)
        if status:
            lines = [line for line in said.splitlines() if line.startswith('her_ros: ')]
            # What did not fit on the disk either is not there.
            problem = lines[-1] if lines else f'{run}: no room for a line'
            raise HerRosError(problem if status == 2 else f'{name} ended with status {status}')

    return write


def _log(path: Path, elsewhere: Path) -> IO[bytes]:
    """Open a log as the supervisor does; where nothing can be opened, it has another place."""
    with contextlib.suppress(OSError):
        return path.open('wb')
    return (elsewhere / path.name).open('wb')


def _status(
    name: str, run: Path, log: IO[bytes], domain: int, elsewhere: Path, ends_itself: bool
) -> int:
    (spec,) = (each for each in training_nodes('run', 1, str(run)) if each.name == name)
    environment = {**os.environ, **graph_environment(elsewhere), 'ROS_DOMAIN_ID': str(domain)}
    command = spec.command(run / 'params.yaml')
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    role = run / 'starts' / f'{name}_0.lock'
    deadline = time.monotonic() + (_END_S if ends_itself else _START_S)
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if not ends_itself and role.exists() and str(process.pid) in role.read_text():
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                return process.wait(_END_S)
            time.sleep(0.05)
        return process.wait(0.0)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f'{name} did not end, or did not take its role') from None
    finally:
        process.kill()
        process.wait()
