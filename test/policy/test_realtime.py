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

"""In child processes, as what is asked for holds for the whole process and cannot be undone."""

import gc
import os
import subprocess
import sys
import textwrap

from her_ros.policy.realtime import GarbageCollector
import pytest

PRELUDE = """
import os, resource, threading
from her_ros.config.parameters.policy import RealTimeParameters
from her_ros.policy.realtime import RealTimeError, apply

def drop_rights():
    # A process may always give up what it has; root's capabilities go with its number.
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))
    if os.getuid() == 0:
        os.setuid(65534)

def refused(**values):
    try:
        apply(RealTimeParameters(**values))
    except RealTimeError as error:
        print(error)
    else:
        print('granted')
"""


def output_of(program):
    """Run a program in a child; return the lines that it prints."""
    command = [sys.executable, '-c', PRELUDE + textwrap.dedent(program)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    return child.stdout.splitlines()


def granted(**values):
    """Whether this machine grants what is asked for."""
    (line,) = output_of(f'refused(**{values})')
    return line == 'granted'


def test_nothing_is_done_by_default():
    program = """
    before = os.sched_getscheduler(0), os.sched_getaffinity(0)
    print(apply(RealTimeParameters()))
    print((os.sched_getscheduler(0), os.sched_getaffinity(0)) == before)
    """
    assert output_of(program) == ['[]', 'True']


def test_every_thread_there_is_and_every_later_one_is_pinned():
    core = max(os.sched_getaffinity(0))
    program = f"""
    end = threading.Event()
    there = threading.Thread(target=end.wait)
    there.start()
    print(*apply(RealTimeParameters(realtime_cpu_affinity=({core},))))
    later = threading.Thread(target=end.wait)
    later.start()
    for thread in (threading.main_thread(), there, later):
        print(os.sched_getaffinity(thread.native_id))
    end.set()
    """
    assert output_of(program) == [f'runs on core {core}', *[str({core})] * 3]


def test_a_core_that_is_not_there_is_named_beside_those_that_are():
    there = sorted(os.sched_getaffinity(0))
    wrong = (there[0], 1023)
    (line,) = output_of(f'refused(realtime_cpu_affinity={wrong})')
    assert line.startswith(
        f'realtime.cpu_affinity: cores {there[0]}, 1023 asked for, this process may use'
    )
    assert ', '.join(map(str, there)) in line.partition('may use')[2]


def test_any_core_beside_a_certain_one_is_refused():
    (line,) = output_of('refused(realtime_cpu_affinity=(-1, 0))')
    assert line.startswith('realtime.cpu_affinity: cores -1, 0 asked for')
    assert '-1 alone' in line


def test_a_priority_reaches_every_thread():
    if not granted(realtime_scheduler_priority=5):
        pytest.skip('SCHED_FIFO is not permitted here')
    program = """
    end = threading.Event()
    there = threading.Thread(target=end.wait)
    there.start()
    print(*apply(RealTimeParameters(realtime_scheduler_priority=5)))
    later = threading.Thread(target=end.wait)
    later.start()
    for thread in (threading.main_thread(), there, later):
        policy = os.sched_getscheduler(thread.native_id)
        print(policy == os.SCHED_FIFO, os.sched_getparam(thread.native_id).sched_priority)
    end.set()
    """
    assert output_of(program) == ['SCHED_FIFO, priority 5', *['True 5'] * 3]


def test_memory_stays_locked_also_what_comes_later():
    if not granted(realtime_lock_memory=True):
        pytest.skip('locking memory is not permitted here')
    program = """
    from pathlib import Path
    def locked_mib():
        return int(Path('/proc/self/status').read_text().partition('VmLck:')[2].split()[0]) >> 10
    print(locked_mib())
    print(*apply(RealTimeParameters(realtime_lock_memory=True)))
    before = locked_mib()
    more = bytearray(64 << 20)
    print(before > 0, locked_mib() - before >= 64)
    """
    before, line, after = output_of(program)
    assert (before, after) == ('0', 'True True')
    assert line.startswith('memory locked, ')


def test_without_the_right_to_a_priority_the_cure_is_named():
    program = """
    drop_rights()
    refused(realtime_scheduler_priority=50)
    print(os.sched_getscheduler(0) == os.SCHED_OTHER)
    """
    line, unchanged = output_of(program)
    assert line.startswith(
        'realtime.scheduler_priority: 50 asked for, this process may have up to 0;'
    )
    for cure in ('ulimit -r 50', 'rtprio', 'CAP_SYS_NICE'):
        assert cure in line
    assert unchanged == 'True'


def test_without_the_right_to_lock_memory_the_cure_is_named():
    program = """
    drop_rights()
    refused(realtime_lock_memory=True)
    """
    (line,) = output_of(program)
    assert line.startswith('realtime.lock_memory: ')
    for part in ('may lock 1 MiB', 'ulimit -l', 'memlock', 'CAP_IPC_LOCK'):
        assert part in line


class Cycle:
    """Garbage that reference counts never free."""

    alive = 0

    def __init__(self):
        self.itself = self
        Cycle.alive += 1

    def __del__(self):
        Cycle.alive -= 1


@pytest.fixture
def collector():
    assert gc.isenabled()
    Cycle.alive = 0
    collector = GarbageCollector()
    collector.freeze()
    yield collector
    collector.release()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_garbage_is_collected_between_steps_and_only_there(collector):
    for _ in range(5000):  # several times what makes Python collect by itself
        Cycle()
    assert Cycle.alive == 5000
    collector.between_steps()
    assert Cycle.alive == 0


def test_garbage_that_has_grown_old_is_collected_within_a_thousand_steps(collector):
    old = Cycle()
    for _ in range(60):  # two collections of the middle generation leave it in the oldest
        collector.between_steps()
    del old
    assert Cycle.alive == 1
    for _ in range(1000):
        collector.between_steps()
    assert Cycle.alive == 0


def test_what_was_there_at_the_start_is_looked_at_no_more():
    there = Cycle()
    collector = GarbageCollector()
    collector.freeze()
    try:
        assert gc.get_freeze_count() > 0
        alive = Cycle.alive
        del there
        gc.collect()
        assert Cycle.alive == alive
    finally:
        collector.release()
    gc.collect()
    assert Cycle.alive == alive - 1


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        collector = GarbageCollector()
        collector.freeze()
        collector.release()
        assert not gc.isenabled()
    finally:
        gc.enable()
