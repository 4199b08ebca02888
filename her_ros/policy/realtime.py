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

"""Real-time settings of the process: scheduling, cores, locked memory, garbage collection."""

from collections.abc import Callable
from contextlib import suppress
import ctypes
import gc
import os
from pathlib import Path
import resource

from her_ros.config.parameters.policy import RealTimeParameters
from her_ros.runtime.errors import HerRosError

# MCL_CURRENT and MCL_FUTURE of sys/mman.h: pages mapped now, and pages mapped later.
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_ANY_CORE = (-1,)
# Steps between collections of the older generations: within a second, and 40 s, at 25 Hz.
_STEPS_PER_MIDDLE, _STEPS_PER_OLD = 25, 1000


class RealTimeError(HerRosError):
    """A real-time setting that the operating system does not permit."""


def apply(parameters: RealTimeParameters) -> list[str]:
    """
    Apply the real-time parameters to this process. Call it after the nodes were created.

    Cores and priority are set for every thread of this process, and threads started later inherit
    them. All threads need them, because a message passes threads of DDS before and after the one
    that answers it, and one waiting thread delays the others. onnxruntime starts no threads here.

    :return: a line for each setting applied
    :raises RealTimeError: if a setting is not permitted or not available
    """
    done = []
    if parameters.realtime_cpu_affinity != _ANY_CORE:
        done.append(_pin(set(parameters.realtime_cpu_affinity)))
    if parameters.realtime_lock_memory:
        done.append(_lock_memory())
    if parameters.realtime_scheduler_priority:
        done.append(_schedule(parameters.realtime_scheduler_priority))
    return done


def put_above(thread_id: int, parameters: RealTimeParameters) -> None:
    """Raise the priority of a thread above all others of this process."""
    if parameters.realtime_scheduler_priority:
        above = os.sched_param(parameters.realtime_scheduler_priority + 1)
        os.sched_setscheduler(thread_id, os.SCHED_FIFO, above)


def _pin(cores: set[int]) -> str:
    usable = os.sched_getaffinity(0)
    if not cores <= usable:
        raise RealTimeError(
            f'realtime.cpu_affinity: {_listed(cores)} asked for, this process may use'
            f' {_listed(usable)}',
            'name some of these, or -1 alone for any',
        )
    _for_every_thread(lambda thread: os.sched_setaffinity(thread, cores))
    return f'runs on {_listed(cores)}'


def _lock_memory() -> str:
    # Existing pages are faulted in, so this takes longer the more there are.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE):
        limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
        raise RealTimeError(
            f'realtime.lock_memory: {os.strerror(ctypes.get_errno())}; this process may lock'
            f' {_mebibytes(limit)}',
            'grant more by `ulimit -l unlimited` (memlock in'
            ' /etc/security/limits.conf), or CAP_IPC_LOCK',
        )
    return f'memory locked, {_mebibytes(_locked_bytes())} by now'


def _schedule(priority: int) -> str:
    try:
        _for_every_thread(
            lambda thread: os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
        )
    except PermissionError:
        limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
        raise RealTimeError(
            f'realtime.scheduler_priority: {priority} asked for, this process may have up to'
            f' {limit}',
            f'grant it by `ulimit -r {priority}` (rtprio in /etc/security/limits.conf), or'
            ' CAP_SYS_NICE',
        ) from None
    return f'SCHED_FIFO, priority {priority}'


def _for_every_thread(change: Callable[[int], None]) -> None:
    """Apply a change to every thread, including threads started meanwhile."""
    seen: set[int] = set()
    while new := {int(each) for each in os.listdir('/proc/self/task')} - seen:
        for thread in new:
            with suppress(ProcessLookupError):  # it has ended
                change(thread)
        seen |= new


def _listed(cores: set[int]) -> str:
    return f'core{"s" * (len(cores) != 1)} {", ".join(map(str, sorted(cores)))}'


def _locked_bytes() -> int:
    status = Path('/proc/self/status').read_text('utf-8', errors='replace')
    return 1024 * int(status.partition('VmLck:')[2].split()[0])


def _mebibytes(size: int) -> str:
    return 'any amount' if size == resource.RLIM_INFINITY else f'{size / 2**20:.0f} MiB'


class GarbageCollector:
    """
    Runs Python's garbage collection between steps, never within one.

    Objects that exist at the start are frozen, so collections skip them. Of later objects,
    reference counting frees nearly all; only cycles are left to collect.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._was_enabled = gc.isenabled()

    def freeze(self) -> None:
        """Collect once, freeze the remaining objects, and disable automatic collection."""
        self._was_enabled = gc.isenabled()
        gc.collect()
        gc.freeze()
        gc.disable()

    def between_steps(self) -> None:
        """Collect the young generation; in some calls also the older ones."""
        self._steps += 1
        if self._steps % _STEPS_PER_OLD == 0:
            gc.collect(2)
        elif self._steps % _STEPS_PER_MIDDLE == 0:
            gc.collect(1)
        else:
            gc.collect(0)

    def release(self) -> None:
        """Enable automatic collection again."""
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
