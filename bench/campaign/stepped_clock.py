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
A wall clock per process that can be stepped while the process runs.

A small library is compiled and preloaded. It adds an offset to CLOCK_REALTIME, which it reads
from a memory-mapped file. Waits for a wall time follow the steps, as they do in the kernel:
what waits for 10 ms while its clock is set back by an hour waits for an hour, unless it is woken.
Monotonic clocks are left alone.
"""

from collections.abc import Mapping
import os
from pathlib import Path
import shutil
import struct
import subprocess
import sys
import time

_OFFSET = 'HER_ROS_CAMPAIGN_CLOCK'
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 200000000
static const volatile int64_t *offset_s;

__attribute__((constructor)) static void map_offset(void)
{
    const char *path = getenv("HER_ROS_CAMPAIGN_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        offset_s = page;
}

static int64_t offset(void) { return offset_s ? *offset_s : 0; }

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*libc)(clockid_t, struct timespec *);
    if (!libc)
        libc = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = libc ? libc(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *result)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (result)
        *result = exact.tv_sec;
    return exact.tv_sec;
}

static int64_t in_ns(const struct timespec *t) { return t->tv_sec * 1000000000LL + t->tv_nsec; }

/* Waits until a wall time: steps of the clock prolong or shorten them while they last. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    if (until->tv_sec < 1000000000) /* its clock is a monotonic one */
        return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
    int64_t before = offset();
    for (;;) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int64_t left = in_ns(until) - in_ns(&now);
        if (left <= 0)
            return ETIMEDOUT;
        int64_t slice = left < SLICE_NS ? left : SLICE_NS;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t end = in_ns(&now) + slice;
        struct timespec slice_end = {end / 1000000000, end % 1000000000};
        int status = pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &slice_end);
        if (status != ETIMEDOUT)
            return status;
        /* Callers expect spurious wakeups, but after a step one would end its effect. */
        if (slice == SLICE_NS && offset() == before)
            return 0;
    }
}
"""
_PRINT_TIME = 'import time\nwhile input() == "?": print(time.time(), flush=True)'


class ClockError(Exception):
    """Clocks cannot be stepped on this machine."""


class SteppedClocks:
    """
    Makes clocks for processes.

    :param folder: takes the library and a file per clock
    :raises ClockError: without a C compiler, or if a child does not see its clock stepped
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._library = folder / 'stepped_clock.so'
        compiler = shutil.which('cc')
        if compiler is None:
            raise ClockError('there is no C compiler (cc)')
        built = subprocess.run(
            [compiler, '-shared', '-fPIC', '-O1', '-x', 'c', '-', '-o', self._library, '-ldl'],
            input=_SOURCE,
            text=True,
            capture_output=True,
        )
        if built.returncode:
            raise ClockError(f'cc cannot compile the clock: {built.stderr.strip()[-300:]}')
        self._check()

    def environment(self, name: str) -> Mapping[str, str]:
        """Return the environment variables of this clock, at first without an offset."""
        path = self._file(name)
        if not path.exists():
            path.write_bytes(struct.pack('=q', 0))
        preloaded = filter(None, (str(self._library), os.environ.get('LD_PRELOAD')))
        return {'LD_PRELOAD': ':'.join(preloaded), _OFFSET: str(path)}

    def set(self, name: str, offset_s: int) -> None:  # noqa: A003
        """Step a clock to an offset from the machine's, seconds."""
        with self._file(name).open('r+b') as file:  # written in place, as it is mapped
            file.write(struct.pack('=q', offset_s))

    def _file(self, name: str) -> Path:
        return self._folder / f'{name.strip("/").replace("/", ".")}.clock'

    def _check(self) -> None:
        """Require that a running child sees each step of its clock."""
        environment = {**os.environ, **self.environment('check')}
        with subprocess.Popen(
            [sys.executable, '-c', _PRINT_TIME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for offset_s in (0, 3600, -3600, 0):
                self.set('check', offset_s)
                print('?', file=child.stdin, flush=True)
                seen_s = float(child.stdout.readline()) - time.time()
                if abs(seen_s - offset_s) > 5.0:
                    raise ClockError(f'a child sees {seen_s:.0f} s instead of {offset_s} s')
            print('!', file=child.stdin, flush=True)
