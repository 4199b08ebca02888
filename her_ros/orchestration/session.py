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

"""Run the nodes of a command under supervision, with their folder and display."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
import os
from typing import TYPE_CHECKING, TypeAlias

from her_ros.config.files import NodesValues, to_yaml
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import NodeSpec
from her_ros.orchestration.prepare import claimed, removed_if_refused, Run
from her_ros.runtime.files import write_whole
from her_ros.runtime.run_folder import RunFolder, RunFolderError
from rich.console import Console

if TYPE_CHECKING:
    from her_ros.view.display import Display

#: makes a display on a console; called, and loads rclpy, once ROS's environment is set
MakeDisplay: TypeAlias = Callable[[Console], 'Display']


def supervise(
    nodes: Sequence[NodeSpec],
    folder: RunFolder,
    make_display: MakeDisplay,
    console: Console,
    has_ended: Callable[[], bool] = lambda: False,
) -> bool:
    """
    Run nodes until the run ends or the user interrupts; return whether the user did.

    :param folder: its ``params.yaml`` is the nodes' parameter file, and its ``log/`` takes their
        output
    :param has_ended: whether the run has ended without one of these nodes
    :raises SupervisorError: if a node died too often
    """
    # The display listens with the same discovery and transport as the nodes.
    os.environ.update(graph_environment(folder.log))
    from her_ros.orchestration.supervisor import Supervisor

    supervisor = Supervisor(
        nodes, folder.params, folder.log, lambda line: console.print(line, soft_wrap=True)
    )
    try:
        with make_display(console) as display:
            while not supervisor.poll() and not has_ended():
                display.update(0.1)
    except KeyboardInterrupt:
        console.print('stopping')
        return True
    finally:
        supervisor.stop()
    return False


def run_without_training(
    run: Run,
    values: NodesValues,
    namespace: str,
    nodes: Sequence[NodeSpec],
    make_display: MakeDisplay,
    title: str,
) -> None:
    """
    Run nodes without training until Ctrl-C.

    :param run: its folder takes parameters, logs and bags
    :param title: printed before the nodes start
    :raises RunFolderError: if the folder holds a training run, or is in use
    """
    folder = run.folder
    if folder.checkpoint.exists():
        raise RunFolderError(
            'holds a training run, whose parameters stay',
            'choose another --folder',
            source=folder.path,
        )
    is_new = not folder.path.exists()
    folder.create()
    console = Console(markup=False)  # a path may hold brackets
    with ExitStack() as stack:
        with removed_if_refused(folder, is_new):
            stack.enter_context(claimed(run, namespace))
        write_whole(folder.params, to_yaml(values).encode())
        console.print(f'{title}; logs in {folder.log}', soft_wrap=True)
        supervise(nodes, folder, make_display, console)
