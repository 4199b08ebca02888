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

"""Process lifetime: exit statuses, signals, and the end of the launcher."""

from collections.abc import Callable
import ctypes
import os
import select
import signal
import sys
import threading
from typing import Any

#: exit status of a node after an error that its user has to fix; it is not restarted
USER_ERROR = 2
#: signals that end commands and nodes
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: environment variable: process that started the graph; its nodes end when it does
LAUNCHER = 'HER_ROS_LAUNCHER'

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """
    Make the kernel kill this process when its parent ends for any reason (Linux).

    For processes that need no cleanup; nodes use :func:`end_with_launcher`.

    :param parent: process id of the parent, which may have ended already
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_with_launcher(end: Callable[[], None]) -> None:
    """
    Call a function once the process that :data:`LAUNCHER` names has ended (Linux).

    Without the variable, this does nothing. The launcher need not be the parent: a shell or a
    debugger may be between.

    :param end: called from a separate thread; at once if the launcher has ended already
    """
    launcher = os.environ.get(LAUNCHER, '')
    if not launcher.isdecimal() or not hasattr(os, 'pidfd_open'):
        return
    try:
        descriptor = os.pidfd_open(int(launcher))
    except ProcessLookupError:
        end()
        return
    except OSError:  # a kernel without pidfds
        return

    def wait() -> None:
        # Readable once the process has ended (pidfd_open(2)).
        select.select([descriptor], [], [])
        os.close(descriptor)
        end()

    threading.Thread(target=wait, name='launcher', daemon=True).start()


def end_command_by_signals() -> Callable[[], int | None]:
    """
    Raise :class:`KeyboardInterrupt` in the main thread at the first of ``END_SIGNALS``.

    This also holds if the command was started with a signal ignored, as a shell script does with
    SIGINT for background jobs. Only an ignored SIGHUP stays ignored, for ``nohup``. Signals that
    the parent had blocked are unblocked. Later signals are ignored, so that nodes are stopped in
    order, which takes seconds.

    :return: function that returns the number of the signal received; None before that
    """
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        for each in END_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    handle_end_signals(end)
    return lambda: came[0] if came else None


def handle_end_signals(handler: Callable[[int, Any], object]) -> list[signal.Signals]:
    """
    Handle ``END_SIGNALS``, even if the parent of this process ignored or blocked them.

    :return: the signals handled: all, except for SIGHUP under ``nohup``
    """
    is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    wanted = [each for each in END_SIGNALS if not (each is signal.SIGHUP and is_nohup)]
    for number in wanted:
        signal.signal(number, handler)
    # Child processes inherit the mask, unlike a handler.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, wanted)
    return wanted


def end_at_signals() -> None:
    """Let ``END_SIGNALS`` end this process at once, as if they were never handled."""
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def is_program() -> bool:
    """Tell whether this process runs a node or a command of this package."""
    return any(
        each.startswith(('her_ros.nodes.', 'her_ros.cli.'))
        or each.endswith('/her-ros')
        or '/lib/her_ros/' in each
        for each in sys.orig_argv[1:5]
    )


def quiet_start() -> None:
    """
    End a program without a traceback on an interrupt during its imports.

    Does nothing if another program imports this package.
    """
    if is_program() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
