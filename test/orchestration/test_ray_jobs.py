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

"""Jobs on a Ray cluster of two nodes on this machine, and the refusals that need no Ray."""

from dataclasses import replace
import re
import sys
from types import SimpleNamespace

from her_ros.orchestration import ray_jobs
from her_ros.orchestration.jobs import Job
from her_ros.orchestration.prepare import prepare_run
from her_ros.orchestration.ray_jobs import Cluster, connected, parse_resources, RayError
from her_ros.orchestration.remote_run import Parcel
import pytest

PATIENCE_S = 120.0


def run_jobs(jobs, cluster, *options):
    with connected(cluster) as connection:
        return ray_jobs.run_ray_jobs(jobs, connection, *options)


def test_resources_are_names_with_amounts():
    assert parse_resources('CPU=2') == {'CPU': 2.0}
    assert parse_resources('CPU=4, GPU=0.5,arm=1') == {'CPU': 4.0, 'GPU': 0.5, 'arm': 1.0}
    assert ray_jobs._options({'CPU': 4.0, 'arm': 1.0}) == {
        'num_cpus': 4.0, 'resources': {'arm': 1.0}, 'max_retries': 0,
    }  # fmt: skip


@pytest.mark.parametrize('text', ['', 'CPU', 'CPU=', 'CPU=two', 'CPU=0', 'CPU=-1', '=2', 'a b=1'])
def test_other_resources_are_refused(her_ros, text):
    ended = her_ros('experiment', 'her', '--ray', 'auto', '--resources', text)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert f'--resources {text!r}; write such as CPU=2' in line


@pytest.mark.parametrize('name', ['GPU', 'arm'])
def test_a_device_is_shared_in_part_or_taken_whole(name):
    for amount in ('0.5', '1', '2', '2.0'):
        assert parse_resources(f'{name}={amount}') == {name: float(amount)}
    assert parse_resources('CPU=1.5,memory=2000000000.5')['CPU'] == 1.5
    with pytest.raises(RayError, match=f'{name} above 1 has to be whole; write such as {name}=2'):
        parse_resources(f'CPU=2,{name}=1.5')


class Lost(Exception):
    """Stands for ray.exceptions.WorkerCrashedError."""


class Ray:
    """A cluster of one machine, whose tasks have ended with nothing."""

    exceptions = SimpleNamespace(RayTaskError=ZeroDivisionError, RayError=Lost)

    def init(self, **_):
        pass

    shutdown = init

    def get_runtime_context(self):
        return SimpleNamespace(gcs_address='127.0.0.1:1')

    def nodes(self):
        return [{'Alive': True, 'Resources': {'CPU': 4.0}}]

    def remote(self, **_):
        return lambda task: SimpleNamespace(remote=lambda order: order.folder)

    def wait(self, references, **_):
        return references[:1], references[1:]

    def get(self, reference):
        return Parcel()


@pytest.mark.parametrize('call', ['remote', 'wait'])
def test_what_ray_refuses_is_one_line(make_job, monkeypatch, call):
    def refuse(*_, **options):
        raise ValueError('no\nsuch amount')

    ray = Ray()
    setattr(ray, call, refuse)
    monkeypatch.setitem(sys.modules, 'ray', ray)
    with pytest.raises(RayError, match=r'Ray cannot make the runs \(no such amount\); correct'):
        run_jobs([make_job('a')], Cluster('auto'), None, print)


def test_a_job_whose_files_cannot_be_written_does_not_end_the_others(make_job, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', Ray())
    jobs, lines = [make_job(name) for name in 'ab'], []
    jobs[0].log.mkdir()
    assert not run_jobs(jobs, Cluster('auto'), 1, lines.append)
    assert re.match('a failed: .*Is a directory', lines[1])
    assert lines[3].startswith('b failed: it printed nothing')


@pytest.mark.parametrize('losses', [1, 3, 4])
def test_a_job_whose_worker_has_died_is_started_again(make_job, monkeypatch, losses):
    ray, lines, left = Ray(), [], [losses]

    def get(reference):
        left[0] -= reference.name == 'a'
        if left[0] >= 0 and reference.name == 'a':
            raise Lost('a page\nof text')
        return Parcel()

    monkeypatch.setattr(ray, 'get', get, raising=False)
    monkeypatch.setitem(sys.modules, 'ray', ray)
    monkeypatch.setattr(ray_jobs, '_SETTLE_S', 0.0)
    assert not run_jobs([make_job('a'), make_job('b')], Cluster('auto'), 1, lines.append)
    died = [line for line in lines if line.startswith('a lost its machine or worker process')]
    assert died == [
        f'a lost its machine or worker process (Lost); starting it again, {number} of 3'
        for number in range(1, min(losses, 3) + 1)
    ]
    given_up = 'a failed: lost its machine or worker process (Lost) 4 times'
    assert (given_up in lines) == (losses == 4)
    assert sum(line.startswith('b failed: it printed nothing') for line in lines) == 1


def test_a_cluster_whose_head_is_gone_is_one_line(make_job, monkeypatch):
    """Ray itself ends the process after a minute, without a word about the runs."""
    ray = Ray()
    ray.wait = lambda references, **_: ([], references)
    monkeypatch.setitem(sys.modules, 'ray', ray)
    monkeypatch.setattr(ray_jobs, '_PORT_TIMEOUT_S', 0.01)
    monkeypatch.setattr(ray_jobs, '_SILENCE_S', 0.05)
    gone = r'the head of the Ray cluster at 127\.0\.0\.1:1 is gone .*; start it again'
    with pytest.raises(RayError, match=gone):
        run_jobs([make_job('a')], Cluster('auto'), None, print)


def test_without_ray_the_line_names_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(RayError, match=r"ray cannot be loaded .*; pip install 'her_ros\[ray\]'"):
        run_jobs([], Cluster('auto'), None, print)


@pytest.fixture(scope='module')
def cluster():
    """Address of a cluster of two nodes; only one of them has an arm."""
    pytest.importorskip('ray', reason="pip install 'her_ros[ray]'")
    from ray.cluster_utils import Cluster as Machines

    node = {'num_cpus': 1, 'object_store_memory': 80 << 20, 'include_dashboard': False}
    machines = Machines(initialize_head=True, head_node_args=node)
    try:
        machines.add_node(**node, resources={'arm': 1})
        yield machines.address
    finally:
        machines.shutdown()


# Stands for her-ros train; the first run of b fails.
TRAIN = """
import os, sys
from pathlib import Path
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if words['--name'] == 'b':
    sys.exit('no luck')
folder = Path(words['--runs'], words['--task'], words['--name'])
(folder / 'result.json').write_text('{"outcome": "limit", "success_rate": 0.5, "env_steps": 7,'
    ' "task": "FetchReach", "best_success_rate": 0.5, "episodes": 1, "updates": 1, "wall_s": 3.0,'
    ' "seed": 0, "evaluations": []}')
"""


@pytest.fixture
def make_job(tmp_path, monkeypatch):
    of = ray_jobs.Order.of
    monkeypatch.setattr(
        ray_jobs.Order, 'of', lambda job: replace(of(job), program=('-c', job.command[0]))
    )

    def make(name, program=TRAIN):
        run = prepare_run('FetchReach', tmp_path / 'runs', name)
        return Job(name, run, (program,), tmp_path / f'{name}.log', f'x/{name}')

    return make


def test_jobs_run_on_both_nodes_and_one_that_fails_is_named(cluster, make_job):
    jobs, lines, looks = [make_job(name) for name in 'abc'], [], []
    assert not run_jobs(
        jobs, Cluster(cluster, {'CPU': 1.0}), None, lines.append, lambda: looks.append(1)
    )
    assert looks
    for name in 'ac':
        assert f'{name}: limit, success 0.50 after 7 env steps, 3 s' in lines
    assert f'b failed: no luck ({jobs[1].log})' in lines
    arm = make_job('d')
    run_jobs([arm], Cluster(cluster, {'CPU': 1.0, 'arm': 1.0}), 1, lines.append)
    assert arm.run.result is not None


def test_an_interrupt_stops_what_runs(cluster, make_job, tmp_path, monkeypatch):
    """As Ctrl-C does, once the first job tells of its start."""
    begun = tmp_path / 'begun'
    endless = f"""
import signal, sys, time
def end(*_):
    open({str(tmp_path / 'stopped')!r}, 'w').close()
    sys.exit()
signal.signal(signal.SIGTERM, end)
open({str(begun)!r}, 'w').close()
time.sleep({PATIENCE_S})
"""

    import ray

    wait = ray.wait

    def interrupted(*arguments, **options):
        if begun.exists():
            monkeypatch.setattr(ray, 'wait', wait)
            raise KeyboardInterrupt
        return wait(*arguments, **options)

    monkeypatch.setattr(ray, 'wait', interrupted)
    job = make_job('endless', endless)
    assert run_jobs([job], Cluster(cluster, {'CPU': 1.0}), None, print)
    assert (tmp_path / 'stopped').exists()


def test_a_killed_worker_is_replaced(cluster, make_job, tmp_path, capfd):
    begun = tmp_path / 'begun'
    once = f"""
import os, signal
from pathlib import Path
if not Path({str(begun)!r}).exists():
    Path({str(begun)!r}).touch()
    os.kill(os.getppid(), signal.SIGKILL)
"""
    job, lines = make_job('a', once + TRAIN), []
    assert not run_jobs([job], Cluster(cluster, {'CPU': 1.0}), None, lines.append)
    assert 'a lost its machine or worker process (WorkerCrashedError)' in lines[1]
    assert 'a: limit, success 0.50 after 7 env steps, 3 s' in lines
    assert 'raylet' not in ''.join(capfd.readouterr())


def test_what_the_cluster_cannot_give_is_named(cluster, make_job):
    refused = pytest.raises(
        RayError, match=r'no machine .* has CPU=64 for a run; the most .* CPU=1'
    )
    with refused:
        run_jobs([make_job('a')], Cluster(cluster, {'CPU': 64.0}), None, print)


def test_an_address_without_a_cluster_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', SimpleNamespace())  # it is not asked
    with pytest.raises(RayError, match=r'no Ray cluster at 127\.0\.0\.1:1 ') as refused:
        run_jobs([], Cluster('127.0.0.1:1'), None, print)
    assert str(refused.value).isprintable()
