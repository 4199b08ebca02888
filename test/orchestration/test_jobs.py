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

import json
import os
import signal
import sys
import threading
import time

from her_ros.orchestration.jobs import Job, run_jobs
from her_ros.orchestration.prepare import prepare_run
from her_ros.runtime.process import end_command_by_signals, END_SIGNALS
import pytest

RESULT = {
    'task': 'FetchReach', 'outcome': 'limit', 'success_rate': 0.5, 'best_success_rate': 0.5,
    'env_steps': 1200, 'episodes': 24, 'updates': 480, 'wall_s': 3.0, 'seed': 0, 'evaluations': [],
}  # fmt: skip


@pytest.fixture
def make_job(tmp_path):
    def make(name, program):
        run = prepare_run('FetchReach', tmp_path, name)
        command = (sys.executable, '-c', program, str(run.folder.result), json.dumps(RESULT))
        return Job(name, run, command, tmp_path / f'{name}.log')

    return make


WRITE = 'import sys\nopen(sys.argv[1], "w").write(sys.argv[2])'


def test_one_that_fails_is_named_and_the_others_go_on(make_job):
    failing = (
        'from her_ros.runtime.errors import HerRosError\n'
        'from her_ros.runtime.last_error import report\n'
        'report(HerRosError("the disk is full"), "her-ros")\nprint("and more")'
    )
    dying = 'raise KeyError("nobody knows")'
    lines = []
    jobs = [make_job('a', WRITE), make_job('b', failing), make_job('c', WRITE)]
    jobs.append(make_job('d', dying))
    looks = []
    ended = []
    assert not run_jobs(jobs, 2, lines.append, lambda: looks.append(len(lines)), ended.append)
    assert {job.name for job in ended} == {*'abcd'}
    assert looks[-1] == len(lines)  # also after the last one has ended
    assert f'b failed: the disk is full ({jobs[1].log})' in lines
    assert f"d failed: KeyError: 'nobody knows' ({jobs[3].log})" in lines
    for name in ('a', 'c'):
        assert f'{name}: limit, success 0.50 after 1,200 env steps, 3 s' in lines


@pytest.mark.parametrize('at_once', [1, 3])
def test_no_more_run_at_once_than_may(make_job, tmp_path, at_once):
    counting = (
        'import os, sys, time\n'
        f'path = {str(tmp_path / "alive")!r} + str(os.getpid())\n'
        'open(path, "w").close()\n'
        'time.sleep(0.3)\n'
        f'print(sum(name.startswith("alive") for name in os.listdir({str(tmp_path)!r})))\n'
        'os.remove(path)'
    )
    jobs = [make_job(f'job_{number}', counting) for number in range(4)]
    run_jobs(jobs, at_once, lambda line: None)
    assert max(int(job.log.read_text()) for job in jobs) <= at_once


def test_an_interrupt_stops_running_jobs_and_starts_no_others(make_job, tmp_path, wait):
    first = make_job(
        'first', f'open({str(tmp_path / "begun")!r}, "w")\nimport time\ntime.sleep(99)'
    )
    second = make_job('second', WRITE)

    def interrupt():
        wait((tmp_path / 'begun').exists, 'the first job')
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    before = {number: signal.getsignal(number) for number in END_SIGNALS}
    end_command_by_signals()
    begin = time.monotonic()
    thread.start()
    try:
        assert run_jobs([first, second], 1, lambda line: None)
    finally:
        thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert time.monotonic() - begin < 30
    assert first.run.result is None
    assert not second.log.exists()
