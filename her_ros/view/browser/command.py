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

"""
``her-ros view``: choose the page for what is to be viewed, and serve it.

The address is printed before MuJoCo and the scene are loaded, as the browser loads the page
meanwhile.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from her_ros.arms.registry import with_workspace
from her_ros.bags.reader import read_bag_metadata
from her_ros.bags.sources import expand
from her_ros.config.files import read_run_file
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.ros_environment import checked_namespace
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
from her_ros.view.browser.library import bags_at, bags_in, Library
from her_ros.view.browser.web_site import Address, Site


class PageOptions(NamedTuple):
    """Where and how a page is shown."""

    address: Address
    is_dark: bool = False


class TaskOptions(NamedTuple):
    """Task and arm; empty: those of the policy or the bags."""

    task: str = ''
    arm: str = ''
    #: whether the policy may have been trained on another arm
    accept_arm: bool = False


def view_policy(path: Path, on: TaskOptions, options: PageOptions) -> None:
    """
    Show a policy that acts, until the user interrupts.

    :raises HerRosError: if it cannot be read or its task cannot be shown, or the page not served
    """
    policy = OnnxPolicy.load(path)
    contract = policy.contract
    name = on.task or contract.task
    arm = on.arm or (contract.arm if name == contract.task else '')
    task = with_workspace(task_named(name, arm))
    contract.check_fits(task, on.accept_arm)
    with Site(f'{task.name}, {path}', options.address, options.is_dark) as site:
        announce(site)
        from her_ros.view.browser.policy_view import PolicyView

        PolicyView(site, policy, task, options.is_dark).run()


def view_episodes(path: Path, on: TaskOptions, options: PageOptions) -> None:
    """
    Show the episodes of a run, of which there may be none yet, or of bags.

    :raises HerRosError: if there is no bag, the task is unknown, or the page cannot be served
    """
    run = RunFolder(path) if (path / 'params.yaml').is_file() else None
    if run is None:
        bags = expand([path])  # that it is there, before a page is
        libraries = {'bags': Library(bags_at(path), task_of_bags(bags, on))}
    else:
        task = task_of_run(run, on)
        folders = {'training': run.bags, 'evaluations': run.evaluation}
        libraries = {name: Library(bags_in(folder), task) for name, folder in folders.items()}
    with Site(str(path), options.address, options.is_dark) as site:
        announce(site)
        from her_ros.view.browser.episodes_view import EpisodesView

        EpisodesView(site, libraries, run, options.is_dark).run()


def task_of_bags(bags: Sequence[Path], on: TaskOptions) -> GoalTask | None:
    """
    Return the task that bags are viewed as; None: as each of them says.

    :raises HerRosError: if there is no such task or arm, or an arm is named but no task is known
    """
    name = on.task
    if on.arm and not name:
        name = read_bag_metadata(bags[0]).get('task', '')
        if not name:
            raise HerRosError('does not name its task', 'name the task by --task', bags[0])
    return with_workspace(task_named(name, on.arm)) if name else None


def task_of_run(run: RunFolder, on: TaskOptions) -> GoalTask | None:
    """
    Return the task of a run on the described arm; None: as its bags say.

    The parameters of a run name the file that describes its arm; its bags only name the arm.

    :raises HerRosError: if a task or an arm is named that there is not
    """
    noted: Mapping[str, Any] = {}
    with suppress(HerRosError):  # such as parameters of a newer version
        noted = read_run_file(run.params)['trainer']
    name, arm = on.task or str(noted.get('task', '')), on.arm or str(noted.get('arm', ''))
    if on.arm and not name:
        raise HerRosError('does not name its task', 'name the task by --task', run.params)
    try:
        return with_workspace(task_named(name, arm)) if name else None
    except HerRosError:  # such as a description that has moved since
        if on.task or on.arm:
            raise
        return None


def view_live(namespace: str, on: TaskOptions, options: PageOptions) -> None:
    """
    Show the nodes that run in a namespace, of which there may be none yet.

    :raises HerRosError: if ROS cannot start here, the task is unknown, or the page not served
    """
    # Only now: the other pages need no ROS.
    from her_ros.orchestration.command_node import ros_node
    import rclpy

    namespace = checked_namespace(namespace)
    if on.arm and not on.task:
        raise HerRosError(f'--arm {on.arm}, but no task', 'name the task as well, by --task')
    task = with_workspace(task_named(on.task, on.arm)) if on.task else None
    with ros_node('her_ros_view') as node:
        steps = rclpy.create_node('her_ros_view_steps', context=node.context)
        with Site(f'/{namespace}', options.address, options.is_dark) as site:
            announce(site)
            from her_ros.view.browser.live_graph import LiveGraph
            from her_ros.view.browser.live_view import LiveView

            graph = LiveGraph(node, steps, namespace)
            LiveView(site, graph, namespace, task, options.is_dark).run()


def announce(site: Site) -> None:
    """Print where the page is."""
    print(f'{site.url}  open it in a browser; Ctrl-C ends it', flush=True)
