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
Nodes of a deployment or of a training run as processes, on a ROS domain of their own.

Unlike the supervisor of the commands, nothing here restarts a node, so that each end is seen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
import fcntl
from functools import partial
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from her_ros.config.files import to_yaml
from her_ros.config.run_parameters import values_for
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.orchestration.graph import NodeSpec
from her_ros.runtime.process import die_with_parent

#: those whose UDP ports no other domain uses
DOMAINS = range(1, 102)
_PATIENCE_S = 60.0
_STOP_S = 10.0


@contextmanager
def claimed_domain(domains: Iterable[int] = DOMAINS) -> Iterator[int]:
    """
    Hold a ROS domain that no test and no other campaign on this machine holds.

    :param domains: those to try, in this order
    """
    for domain in domains:
        path = Path(tempfile.gettempdir(), f'her_ros_test_domain_{domain}.lock')
        with path.open('a') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            # Outside of ``try``: a TimeoutError of the caller is an OSError, too.
            yield domain
            return
    raise SystemExit('no ROS domain is free; other tests or campaigns hold all 101')


class Child:
    """A started node and what it prints."""

    def __init__(self, spec: NodeSpec, process: 'subprocess.Popen[bytes]', log: Path) -> None:
        self.name, self.process, self.log = spec.full_name, process, log

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def tracebacks(self) -> int:
        """Tracebacks that it has printed."""
        return self.log.read_bytes().count(b'Traceback (most recent call last)')

    @property
    def rss_mb(self) -> float:
        """Resident memory, megabytes."""
        return resident_mb(self.process.pid)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, megabytes; 0 if it has ended."""
    try:
        pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


@contextmanager
def running_nodes(
    specs: Sequence[NodeSpec],
    task: str,
    overrides: Sequence[str],
    folder: Path,
    domain: int,
    own_environment: Callable[[str], Mapping[str, str]] = lambda name: {},
    prefix: Sequence[str] = (),
) -> Iterator[list[Child]]:
    """
    Start nodes, and stop them at the end.

    :param overrides: parameters, such as ``policy.accept_policies=true``
    :param folder: takes the parameter file and a log per node
    :param own_environment: variables of one node, by its full name
    :param prefix: stands before each command, such as ``ip netns exec NAME``
    """
    folder.mkdir(parents=True, exist_ok=True)
    params = folder / 'params.yaml'
    params.write_text(to_yaml(values_for(task, None, overrides)))
    environment = {**os.environ, **graph_environment(folder), 'ROS_DOMAIN_ID': str(domain)}
    children: list[Child] = []
    try:
        for spec in specs:
            log = folder / f'{spec.full_name.strip("/").replace("/", ".")}.log'
            with log.open('wb') as output:
                process = subprocess.Popen(
                    [*prefix, *spec.command(params)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**environment, **own_environment(spec.full_name)},
                    start_new_session=True,
                    preexec_fn=partial(die_with_parent, os.getpid()),
                )
            children.append(Child(spec, process, log))
        yield children
    finally:
        stop(children)


def stop(children: Sequence[Child]) -> None:
    """End nodes by SIGTERM, and by SIGKILL those that do not end."""
    for child in children:
        if child.running:
            child.process.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def print_failed(section: str, children: Sequence[Child]) -> int:
    """Print the last lines of nodes that have ended or printed a traceback; return how many."""
    failed = [each for each in children if not each.running or each.tracebacks]
    for child in failed:
        print(f'{section}: {child.name}: {child.log.read_text()[-2000:]}', file=sys.stderr)
    return len(failed)


class Observer:
    """A ROS node of the campaign's own on a domain."""

    def __init__(self, domain: int, name: str = 'campaign') -> None:
        os.environ.update(graph_environment())
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self._context = Context()
        rclpy.init(args=[], context=self._context, domain_id=domain)
        self.node: Any = rclpy.create_node(
            name, context=self._context, start_parameter_services=False
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def spin(self, seconds: float = 0.0) -> None:
        """Take in what comes; at least one look."""
        deadline = time.monotonic() + seconds
        while True:
            self._executor.spin_once(timeout_sec=max(min(deadline - time.monotonic(), 0.02), 0.0))
            if time.monotonic() >= deadline:
                return

    def until(
        self, condition: Callable[[], Any], what: str, timeout_s: float = _PATIENCE_S
    ) -> Any:
        """Spin until a condition holds; return its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f'{what}: not within {timeout_s:g} s')
            self.spin(0.02)
        return value

    def close(self) -> None:
        """Leave the domain."""
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()
