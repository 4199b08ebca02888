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

"""Run trainings as separate processes, several at a time."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
import os
from pathlib import Path
import subprocess
import time

from her_ros.orchestration.prepare import Run
from her_ros.runtime.last_error import ERROR_FILE, error_file, take_error
from her_ros.runtime.process import die_with_parent

# A run that is stopped takes up to 8 s to stop its nodes.
_STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Job:
    """A training, the command that starts or resumes it, and the file of its output."""

    name: str
    run: Run
    command: tuple[str, ...]
    log: Path
    #: ROS namespace of the training
    namespace: str = ''


def run_jobs(
    jobs: Iterable[Job],
    at_once: int,
    report: Callable[[str], None],
    look: Callable[[], None] = lambda: None,
    ended: Callable[[Job], None] = lambda _: None,
) -> bool:
    """
    Run jobs, several at once; return whether the user interrupted them.

    One that fails is reported, and the others go on.

    :param report: called with one line for the user
    :param look: called several times per second
    :param ended: called with each that has ended, or failed, for good
    """
    waiting = deque(jobs)
    running: dict[Job, subprocess.Popen[bytes]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.popleft()
                report(f'{"resuming" if job.run.resumed else "starting"} {job.name}')
                running[job] = _started(job)
            time.sleep(0.1)
            for job in [job for job, process in running.items() if process.poll() is not None]:
                del running[job]
                report(outcome_of(job, take_error(error_file(job.log))))
                ended(job)
            look()
    except KeyboardInterrupt:
        report('stopping')
        return True
    finally:
        stop(running.values())
    return False


def _started(job: Job) -> 'subprocess.Popen[bytes]':
    take_error(error_file(job.log))  # of an earlier start
    with job.log.open('ab') as output:
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, ERROR_FILE: str(error_file(job.log))},
            # Ctrl-C reaches only this process, which stops the runs.
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


def outcome_of(job: Job, error: object) -> str:
    """
    Return a line about the end of a job.

    :param error: that ended it, if that is known
    """
    result = job.run.result
    if result is None:
        lines = job.log.read_text('utf-8', errors='replace').strip().splitlines()
        last_line = lines[-1] if lines else 'it printed nothing'
        return f'{job.name} failed: {error or last_line} ({job.log})'
    return (
        f'{job.name}: {result["outcome"]}, success {result["success_rate"]:.2f} after'
        f' {result["env_steps"]:,} env steps, {result["wall_s"]:.0f} s'
    )


def stop(processes: Iterable['subprocess.Popen[bytes]']) -> None:
    """Stop trainings; kill those that do not end within seconds."""
    stopped = [process for process in processes if process.poll() is None]
    for process in stopped:
        process.terminate()
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    for process in stopped:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
