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

"""Run the trainings of an experiment as tasks of a Ray cluster."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
import os
import signal
import socket
import time
from typing import Any, NamedTuple

from her_ros.orchestration.jobs import Job, outcome_of
from her_ros.orchestration.remote_run import Order, train_here
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.process import END_SIGNALS

# How often a training is started again whose machine or worker process has died.
_RETRIES = 3
# Time for the nodes of such a training to end, seconds.
_SETTLE_S = 5.0
# Longest silence of the head, seconds. After a minute of it, Ray would end this process.
_SILENCE_S = 30.0
# Longest wait for the trainings that are stopped, seconds; each stops its nodes.
_STOP_TIMEOUT_S = 25.0
_PORT_TIMEOUT_S = 5.0
# Ray gives any part of these; of others a part of one, or whole ones.
_DIVISIBLE = ('CPU', 'memory')
_INSTALL = "pip install 'her_ros[ray]'"


class RayError(HerRosError):
    """A cluster that cannot be used."""


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster and what a run takes of it."""

    #: of its head, such as 10.0.0.1:6379; ``auto`` for the one of this machine
    address: str
    #: amounts by the names of Ray: CPU, GPU, memory, or of your own
    resources: Mapping[str, float] = field(default_factory=lambda: {'CPU': 2.0})


@dataclass(frozen=True)
class Connection:
    """A cluster that this process is connected to."""

    #: the module ``ray``
    ray: Any
    #: what a run takes
    resources: Mapping[str, float]


def parse_resources(text: str) -> dict[str, float]:
    """
    Read the resources of a run, such as ``CPU=2,GPU=0.5``.

    :raises RayError: if they are not names with positive numbers, or a device is to be shared
        in part beside whole ones
    """
    found: dict[str, float] = {}
    for part in text.split(','):
        name, _, amount = part.strip().partition('=')
        try:
            found[name] = float(amount)
            is_fit = name.isidentifier() and 0.0 < found[name] < 1e12
        except ValueError:
            is_fit = False
        if not is_fit:
            raise RayError(f'--resources {text!r}', 'write such as CPU=2 or CPU=4,GPU=0.5')
        if name not in _DIVISIBLE and found[name] > 1.0 and not found[name].is_integer():
            raise RayError(
                f'--resources {text!r}: {name} above 1 has to be whole', f'write such as {name}=2'
            )
    return found


def run_ray_jobs(
    jobs: Iterable[Job],
    connection: Connection,
    at_once: int | None,
    report: Callable[[str], None],
    look: Callable[[], None] = lambda: None,
    ended: Callable[[Job], None] = lambda _: None,
) -> bool:
    """
    Run jobs on a cluster; return whether the user interrupted them.

    One that fails is reported, and the others go on. Those whose machine or worker process has
    died are started again, three times at most.

    :param connection: made by :func:`connected`
    :param at_once: largest number at a time; None: as many as the cluster has resources for
    :param report: called with one line for the user
    :param look: called several times per second
    :param ended: called with each that has ended, or failed, for good
    :raises RayError: if the cluster cannot be used
    """
    waiting = deque(jobs)
    running: dict[Any, Job] = {}
    losses: Counter[str] = Counter()
    ray = connection.ray
    with _translated():
        head = _Head(ray.get_runtime_context().gcs_address)
        task = ray.remote(**_options(connection.resources))(train_here)
    try:
        while waiting or running:
            while waiting and (at_once is None or len(running) < at_once):
                job = waiting.popleft()
                report(f'{"resuming" if job.run.resumed else "waiting"} {job.name}')
                order = Order.of(job)
                with _translated():
                    running[task.remote(order)] = job
            with _translated():
                done, _ = ray.wait([*running], timeout=0.5)
            for each in done:
                job = running.pop(each)
                end = _end_of(ray, each, job, losses[job.name])
                report(end.line)
                if end.is_repeated:
                    losses[job.name] += 1
                    waiting.append(job)
                    time.sleep(_SETTLE_S)
                else:
                    ended(job)
            head.check()
            look()
    except KeyboardInterrupt:
        report('stopping')
        _cancel(ray, [*running])
        return True
    return False


@contextmanager
def _translated() -> Iterator[None]:
    """
    Translate errors of Ray.

    :raises RayError: if Ray refuses what it is asked
    """
    try:
        yield
    except Exception as error:  # of many kinds
        raise RayError(
            f'Ray cannot make the runs ({one_line(error)[:200]})',
            'correct --resources, or look after the cluster; the same command goes on',
        ) from error


def _options(resources: Mapping[str, float]) -> dict[str, Any]:
    """Translate resources into options of a task of Ray."""
    own = {'CPU': 'num_cpus', 'GPU': 'num_gpus', 'memory': 'memory'}
    return {
        'num_cpus': 0,
        **{own[name]: amount for name, amount in resources.items() if name in own},
        'resources': {name: amount for name, amount in resources.items() if name not in own},
        'max_retries': 0,  # :func:`run_ray_jobs` repeats, and tells so
    }


@contextmanager
def connected(cluster: Cluster) -> Iterator[Connection]:
    """
    Connect to a cluster, with this program's own handling of signals.

    :raises RayError: if Ray is not installed, no cluster answers, or no machine of it has room for
        a run
    """
    address = cluster.address
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    # Ray would print pages about each process that dies.
    os.environ.setdefault('RAY_DEDUP_LOGS_SKIP_REGEX', '.')
    try:
        import ray
    except ImportError as error:
        raise RayError(f'ray cannot be loaded ({one_line(error)})', _INSTALL) from None
    handlers = {number: signal.getsignal(number) for number in END_SIGNALS}
    try:
        _check_port(address)  # Ray itself would try for minutes
        ray.init(address=address, log_to_driver=False, logging_level='ERROR')
    except (Exception, SystemExit) as error:  # of many kinds, also of other versions of Ray
        raise RayError(
            f'no Ray cluster at {address} ({one_line(error)[:200]})',
            'start one with `ray start --head`, and give the address that it prints',
        ) from None
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        _check_room(ray, cluster)
        yield Connection(ray, cluster.resources)
    finally:
        ray.shutdown()


def _check_port(address: str) -> None:
    """
    Check that somebody listens at HOST:PORT; other addresses are left to Ray.

    :raises OSError: if nobody does
    """
    host, _, port = address.rpartition(':')
    if host and '/' not in host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PORT_TIMEOUT_S).close()


def _check_room(ray: Any, cluster: Cluster) -> None:
    """
    Check that one machine of the cluster has what a run takes, since Ray would wait for it.

    :raises RayError: if none has
    """
    machines = [each['Resources'] for each in ray.nodes() if each['Alive']]
    wanted = cluster.resources.items()
    if any(all(each.get(name, 0.0) >= amount for name, amount in wanted) for each in machines):
        return
    text = ', '.join(f'{name}={amount:g}' for name, amount in wanted)
    largest = {name: max(each.get(name, 0.0) for each in machines) for name, _ in wanted}
    has = ', '.join(f'{name}={amount:g}' for name, amount in largest.items())
    raise RayError(
        f'no machine of the Ray cluster has {text} for a run; the most of each is {has}',
        'ask for less with --resources, or add a machine',
    )


class _Head:
    """
    The head of a cluster, without which nothing is heard of the runs.

    :param address: its host and port
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._heard_at = self._checked_at = time.monotonic()

    def check(self) -> None:
        """
        Check every few seconds that it still listens.

        :raises RayError: if it has not for :data:`_SILENCE_S`
        """
        now = time.monotonic()
        if now - self._checked_at < _PORT_TIMEOUT_S:
            return
        self._checked_at = now
        try:
            _check_port(self._address)
            self._heard_at = now
        except OSError as error:
            if now - self._heard_at >= _SILENCE_S:
                raise RayError(
                    f'the head of the Ray cluster at {self._address} is gone ({one_line(error)})',
                    'start it again; the same command goes on',
                ) from None


class _End(NamedTuple):
    """The end of a job on the cluster."""

    line: str
    #: whether its machine or worker process has died, and it may be started again
    is_repeated: bool = False


def _end_of(ray: Any, reference: Any, job: Job, losses: int) -> _End:
    """
    Take what a job brought back.

    :param losses: how often it was lost before
    """
    try:
        parcel = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return _End(f'{job.name} failed: {one_line(error.cause)}')
    except ray.exceptions.RayError as error:
        lost = f'lost its machine or worker process ({type(error).__name__})'
        if losses == _RETRIES:
            return _End(f'{job.name} failed: {lost} {_RETRIES + 1} times')
        again = f'starting it again, {losses + 1} of {_RETRIES}'
        return _End(f'{job.name} {lost}; {again}', is_repeated=True)
    except Exception as error:  # such as what another version of Python cannot read
        return _End(f'{job.name} failed: {one_line(error)}')
    try:
        parcel.unpack(job)
        return _End(outcome_of(job, parcel.error))
    except (HerRosError, OSError) as error:  # such as a full disk; the other runs go on
        return _End(f'{job.name} failed: {one_line(error)}')


def _cancel(ray: Any, references: list[Any]) -> None:
    for each in references:
        ray.cancel(each)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while references and (left_s := deadline - time.monotonic()) > 0:
        _, references = ray.wait(references, num_returns=len(references), timeout=left_s)
