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

from dataclasses import dataclass
from pathlib import Path
import signal
import sys
import textwrap
import time

from her_ros.orchestration import supervisor as module
from her_ros.orchestration.graph import deployment_nodes, NodeSpec
from her_ros.orchestration.supervisor import Supervisor, SupervisorError
import pytest

SLEEP = 'import time; time.sleep(60)'
# As a node does, in `nodes/signals.py`.
NODE = (
    'import os, time; from her_ros.runtime.process import end_with_launcher as end;'
    ' end(lambda: os._exit(0)); time.sleep(60)'
)


@dataclass(frozen=True)
class Script(NodeSpec):
    """Stands for a node, and starts in no time."""

    code: str = ''

    def command(self, params_file: Path) -> list[str]:
        return [sys.executable, '-S', '-c', textwrap.dedent(self.code), str(params_file)]


@pytest.fixture
def supervise(tmp_path, monkeypatch):
    """Start a supervisor that is stopped in the end; its reports are ``reports``."""
    monkeypatch.setattr(module, '_RESTART_DELAY_S', 0.05)
    started = []

    def supervise(*specs):
        reports = []
        supervisor = Supervisor(specs, tmp_path / 'params.yaml', tmp_path / 'log', reports.append)
        supervisor.reports = reports
        started.append(supervisor)
        return supervisor

    yield supervise
    for supervisor in started:
        supervisor.stop()


def alive(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except OSError:
        return False
    return state != 'Z'


def test_what_the_nodes_print_goes_to_a_file_per_node(supervise, tmp_path, wait):
    supervise(
        Script('a', '/run', code='import sys; print("I am a", sys.argv[1]);' + SLEEP),
        Script('b', '/run/worker_0', code='import sys; sys.stderr.write("no");' + SLEEP),
    )
    expected = f'I am a {tmp_path / "params.yaml"}\n'
    wait(lambda: (tmp_path / 'log' / 'run.a.log').read_text() == expected, 'the log of a')
    wait(lambda: (tmp_path / 'log' / 'run.worker_0.b.log').read_text() == 'no', 'the log of b')


def test_a_killed_node_starts_again_and_the_others_stay(supervise, wait):
    supervisor = supervise(Script('a', '/run', code=SLEEP), Script('b', '/run', code=SLEEP))
    before = supervisor.pids
    module.os.kill(before['/run/a'], signal.SIGKILL)
    wait(
        lambda: not supervisor.poll() and supervisor.pids['/run/a'] != before['/run/a'],
        'a restart',
    )
    assert supervisor.pids['/run/b'] == before['/run/b']
    (report,) = supervisor.reports
    assert '/run/a ended with signal SIGKILL and is started again' in report


def test_a_node_that_cannot_start_alone_ends_the_run_by_its_death(supervise, wait):
    supervisor = supervise(Script('a', '/run', code=SLEEP, restarts=False))
    module.os.kill(supervisor.pids['/run/a'], signal.SIGKILL)
    with pytest.raises(SupervisorError, match=r'/run/a: ended with signal SIGKILL .*; start all'):
        wait(supervisor.poll, 'its death')


def test_a_death_quotes_an_error_of_its_own_process(supervise, wait):
    code = """
        import pathlib, sys, time
        first = pathlib.Path(sys.argv[1] + '.first')
        if not first.exists():
            first.touch()
            print('[ERROR] [1.0] [a]: the cable is loose')
            print('[INFO] [1.1] [a]: episode 7: reached the goal', flush=True)
        else:
            print('[INFO] [2.0] [a]: ready', flush=True)
        raise SystemExit(3)
    """
    supervisor = supervise(Script('a', '/run', code=code))
    wait(lambda: not supervisor.poll() and len(supervisor.reports) == 2, 'two deaths')
    first, second = supervisor.reports
    assert first.endswith('started again ([ERROR] [1.0] [a]: the cable is loose)')
    assert second.endswith('started again (it logged no error)')


def test_a_success_that_ends_the_run_is_reported_at_once(supervise, wait, tmp_path):
    result = tmp_path / 'result.json'
    code = f'open({str(result)!r}, "w")'
    supervisor = supervise(
        Script('a', '/run', code=SLEEP), Script('b', '/run', code=code, result=str(result))
    )
    wait(supervisor.poll, 'the end of the run')
    assert not supervisor.reports


def test_a_stopped_trainer_is_restarted(supervise, wait, tmp_path):
    code = 'import os, signal, time; signal.signal(15, lambda *_: os._exit(0))'
    code += '; print(flush=True); time.sleep(60)'
    supervisor = supervise(
        Script('a', '/run', code=code, result=str(tmp_path / 'result.json')),
    )
    (before,) = supervisor.pids.values()
    wait((tmp_path / 'log' / 'run.a.log').read_text, 'the start')
    module.os.kill(before, signal.SIGTERM)
    wait(lambda: supervisor.poll() or list(supervisor.pids.values()) != [before], 'a restart')
    (report,) = supervisor.reports
    assert '/run/a ended with status 0 and is started again' in report


@pytest.mark.parametrize('ends_run', [False, True])
def test_other_ends_are_deaths_and_three_are_too_many(supervise, wait, ends_run, tmp_path):
    # status 0 of a node that is to run on is as much of a death as status 3 of the trainer
    code = f'print("my last words"); raise SystemExit({3 if ends_run else 0})'
    (tmp_path / 'result.json').touch()
    result = str(tmp_path / 'result.json') if ends_run else ''
    supervisor = supervise(Script('a', '/run', code=code, result=result))
    with pytest.raises(SupervisorError, match='/run/a died 3 times within 60 s') as caught:
        wait(supervisor.poll, 'the end of the run')
    assert 'my last words' in str(caught.value)
    assert len(supervisor.reports) == 2
    assert all(f'status {3 if ends_run else 0}' in line for line in supervisor.reports)


def test_stop_asks_first_and_kills_who_does_not_listen(supervise, monkeypatch, tmp_path, wait):
    monkeypatch.setattr(module, '_STOP_TIMEOUT_S', 0.5)
    polite = """
        import time
        try:
            print('ready', flush=True); time.sleep(60)
        except KeyboardInterrupt:
            print('bye', flush=True)
    """
    deaf = """
        import signal, time
        signal.signal(signal.SIGINT, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)
    """
    supervisor = supervise(
        Script('deaf', '/run', code=deaf), Script('polite', '/run', code=polite)
    )
    logs = {name: tmp_path / 'log' / f'run.{name}.log' for name in ('deaf', 'polite')}
    wait(lambda: all(log.read_text() == 'ready\n' for log in logs.values()), 'their start')
    supervisor.stop()
    assert logs['polite'].read_text() == 'ready\nbye\n'
    assert supervisor.reports == ['/run/deaf did not stop and was killed']
    assert not any(alive(pid) for pid in supervisor.pids.values())
    supervisor.stop()  # of nothing


def test_nodes_end_when_their_supervisor_is_killed(tmp_path, wait):
    code = f"""
        import pathlib, sys, time
        sys.path.insert(0, {str(Path(module.__file__).parents[2])!r})
        from dataclasses import dataclass
        from her_ros.orchestration.graph import NodeSpec
        from her_ros.orchestration.supervisor import Supervisor

        class Sleep(NodeSpec):
            def command(self, params_file):
                return [sys.executable, '-c', {NODE!r}]

        folder = pathlib.Path({str(tmp_path)!r})
        nodes = [Sleep(name, '/run') for name in 'abc']
        supervisor = Supervisor(nodes, folder, folder / 'log', print)
        (folder / 'pids').write_text(' '.join(map(str, supervisor.pids.values())) + '\\n')
        time.sleep(60)
    """
    parent = module.subprocess.Popen([sys.executable, '-c', textwrap.dedent(code)])
    try:
        path = tmp_path / 'pids'
        wait(lambda: path.exists() and path.read_text().endswith('\n'), 'the children')
        pids = [int(pid) for pid in path.read_text().split()]
        assert len(pids) == 3
        assert all(map(alive, pids))
    finally:
        parent.kill()
        parent.wait()
    wait(lambda: not any(map(alive, pids)), 'their end', timeout_s=5.0)


def test_a_users_error_ends_the_run_by_its_fields(supervise, wait, tmp_path):
    """Whatever else the node prints is not taken for its error."""
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(module.__file__).parents[2])!r})
        from her_ros.runtime.errors import HerRosError
        from her_ros.runtime.last_error import report
        report(HerRosError('it is 3', 'make it 2', 'gain'), 'her_ros')
        print('her_ros: something else')
        raise SystemExit(2)
    """
    supervisor = supervise(Script('a', '/run', code=code))
    with pytest.raises(SupervisorError) as caught:
        wait(supervisor.poll, 'the end of the run')
    log = tmp_path / 'log' / 'run.a.log'
    assert str(caught.value) == f'/run/a: gain: it is 3; make it 2; its log is {log}'
    assert [*log.parent.iterdir()] == [log]


@pytest.mark.nodes
def test_a_node_that_cannot_start_ends_the_run_with_its_reason(supervise, tmp_path, wait):
    (tmp_path / 'params.yaml').write_text('/**:\n  ros__parameters:\n    task: FetchReach\n')
    (spec,) = deployment_nodes(
        'robot', str(tmp_path / 'nothing.onnx'), autostart=True, robot='none'
    )
    supervisor = supervise(spec)
    begin = time.monotonic()
    with pytest.raises(SupervisorError, match=r'policy: .*nothing\.onnx: cannot be'):
        wait(supervisor.poll, 'the end of the run')
    assert time.monotonic() - begin < 30  # of one start, not of three
