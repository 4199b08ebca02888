"""Real-time settings of the process: scheduling, cores, locked memory, garbage collection."""

import ctypes
import gc
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from her_ros.config.parameters.robot import RealTimeParameters
from her_ros.runtime.errors import HerRosError

# From sys/mman.h: what is mapped, and what will be.
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_ANY_CORE = (-1,)
# In every so many steps an older generation is looked at too: within a second, and 40, at 25 Hz.
_STEPS_PER_MIDDLE, _STEPS_PER_OLD = 25, 1000


class RealTimeError(HerRosError):
    """Punctuality that the operating system does not grant."""


def apply(parameters: RealTimeParameters) -> list[str]:
    """Ask the operating system for what the parameters say.

    Core and priority are given to every thread that this process has, and those started later
    inherit them: a message passes threads of DDS before and after the one that answers it, and one
    that is left waiting delays them all. onnxruntime has no thread of its own here; a thread that
    spins would take its core from everyone. To be called when the nodes exist.

    :return: a line for each thing done
    :raises RealTimeError: at the first thing that is not permitted or not there, with the cure
    """
    done = []
    if parameters.cpu_affinity != _ANY_CORE:
        done.append(_pin(set(parameters.cpu_affinity)))
    if parameters.lock_memory:
        done.append(_lock_memory())
    if parameters.scheduler_priority:
        done.append(_schedule(parameters.scheduler_priority))
    return done


def put_above(thread_id: int, parameters: RealTimeParameters) -> None:
    """Let a thread interrupt all others of this process; under SCHED_FIFO equals do not."""
    if parameters.scheduler_priority:
        above = os.sched_param(parameters.scheduler_priority + 1)
        os.sched_setscheduler(thread_id, os.SCHED_FIFO, above)


def _pin(cores: set[int]) -> str:
    usable = os.sched_getaffinity(0)
    if not cores <= usable:
        raise RealTimeError(
            f'cpu_affinity: {_listed(cores)} asked for, this process may use {_listed(usable)}',
            'name some of these, or -1 alone for any',
        )
    _for_every_thread(lambda thread: os.sched_setaffinity(thread, cores))
    return f'runs on {_listed(cores)}'


def _lock_memory() -> str:
    # Pages that are there are faulted in, so this takes as long as they are many.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE):
        limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
        raise RealTimeError(
            f'lock_memory: {os.strerror(ctypes.get_errno())}; this process may lock'
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
            f'scheduler_priority: {priority} asked for, this process may have up to {limit}',
            f'grant it by `ulimit -r {priority}` (rtprio in /etc/security/limits.conf), or'
            ' CAP_SYS_NICE',
        ) from None
    return f'SCHED_FIFO, priority {priority}'


def _for_every_thread(change: Callable[[int], None]) -> None:
    """Change threads until there is none left that was not, as they may start others meanwhile."""
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
    """Takes over when Python looks for garbage: between steps, never within one.

    What is there at the start is frozen: it is looked at no more, and so costs nothing. What comes
    later is little, as reference counts free nearly all of it; only cycles are left to find.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._was_enabled = gc.isenabled()

    def freeze(self) -> None:
        """Collect once, freeze what is left, and collect no more unless told to."""
        self._was_enabled = gc.isenabled()
        gc.collect()
        gc.freeze()
        gc.disable()

    def between_steps(self) -> None:
        """Collect what came since the last call; now and then what came in many calls."""
        self._steps += 1
        if self._steps % _STEPS_PER_OLD == 0:
            gc.collect(2)
        elif self._steps % _STEPS_PER_MIDDLE == 0:
            gc.collect(1)
        else:
            gc.collect(0)

    def release(self) -> None:
        """Let Python collect as it did before."""
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
