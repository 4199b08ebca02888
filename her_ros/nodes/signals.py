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

"""Shut ROS down after a signal or the end of the launcher, once final messages are sent."""

from collections.abc import Callable
import os
import signal
import socket
import threading

from her_ros.runtime.process import end_with_launcher, handle_end_signals
import rclpy

# A node whose launcher has ended is killed after this time, even if it hangs.
_ORPHAN_TIMEOUT_S = 10
_FINAL_ACTION_TIMEOUT_S = 2.0
# Open until the process ends: a second signal is written to it as well, after the first was dealt
# with, and launch sends one of its own besides Ctrl-C's.
_OPEN: list[socket.socket] = []


def end_by_signals(send_final_action: Callable[[], None]) -> threading.Event:
    """
    Shut rclpy down at the first signal, or when the launcher has ended, in a thread.

    SIGINT, SIGTERM and SIGHUP end a node, also where they were ignored or blocked when it was
    started. Only an ignored SIGHUP stays ignored, for that is what ``nohup`` asks for.

    rclpy's own handler shuts down immediately, and nothing can be published afterwards. Python
    handlers run only in the main thread, which may be waiting for a message or busy. The file
    descriptor reports a signal immediately.

    :param send_final_action: called before the shutdown, and waited for with a time limit
    :return: set once the node is to end; ROS may not have been started, and so not be shut down
    """
    ending = threading.Event()
    wake_receive, wake_send = socket.socketpair()
    _OPEN.extend((wake_receive, wake_send))
    wake_send.setblocking(False)
    # Before the handlers, so that no signal is missed.
    signal.set_wakeup_fd(wake_send.fileno(), warn_on_full_buffer=False)
    wanted = handle_end_signals(lambda *_: None)

    def end() -> None:
        # In a thread: where the node itself hangs, its lock may be held.
        last = threading.Thread(target=send_final_action, name='final action', daemon=True)
        last.start()
        last.join(_FINAL_ACTION_TIMEOUT_S)

    def wait() -> None:
        while octets := wake_receive.recv(1):
            if octets[0] not in wanted:
                continue
            if not ending.is_set():
                ending.set()
                end()
            rclpy.try_shutdown()

    threading.Thread(target=wait, name='signals', daemon=True).start()
    end_with_launcher(_end_orphan)
    return ending


def _end_orphan() -> None:
    # The default action of SIGALRM ends the process, however it hangs.
    signal.setitimer(signal.ITIMER_REAL, _ORPHAN_TIMEOUT_S)
    os.kill(os.getpid(), signal.SIGTERM)
