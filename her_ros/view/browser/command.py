"""``her-ros view``: choose the page for what is to be viewed, and serve it."""

from pathlib import Path
from typing import NamedTuple

from her_ros.arms.registry import with_workspace
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.tasks.registry import task_named
from her_ros.view.browser.policy_view import PolicyView
from her_ros.view.browser.site import Address, Site


class PageOptions(NamedTuple):
    """Where and how a page is shown."""

    address: Address
    is_dark: bool = False


class OnTask(NamedTuple):
    """Task and arm; empty: those of the policy or the bags."""

    task: str = ''
    arm: str = ''
    #: whether the policy may have been trained on another arm
    accept_arm: bool = False


def view_policy(path: Path, on: OnTask, options: PageOptions) -> None:
    """Show a policy that acts, until the user interrupts.

    :raises HerRosError: if it cannot be read or its task cannot be shown, or the page not served
    """
    policy = OnnxPolicy.load(path)
    contract = policy.contract
    name = on.task or contract.task
    arm = on.arm or (contract.arm if name == contract.task else '')
    task = with_workspace(task_named(name, arm))
    contract.check_fits(task, on.accept_arm)
    with Site(f'{task.name}, {path}', options.address, options.is_dark) as site:
        view = PolicyView(site, policy, task, options.is_dark)
        announce(site)
        view.run()


def announce(site: Site) -> None:
    """Print where the page is."""
    print(f'{site.url}  open it in a browser; Ctrl-C ends it', flush=True)
