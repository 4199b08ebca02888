"""Shut ROS down after a signal or the end of the launcher, once final messages are sent."""

import os
import signal
import socket
import threading
from collections.abc import Callable

import rclpy

from her_ros.runtime.process import end_with_launcher, handle_end_signals

# A node without its launcher ends within this time, even if it hangs; nobody would kill it.
_ORPHAN_TIMEOUT_S = 10
_LAST_WORDS_TIMEOUT_S = 2.0
# Open until the process ends: a second signal is written to it as well, after the first was dealt
# with, and launch sends one of its own besides Ctrl-C's.
_OPEN: list[socket.socket] = []


def end_by_signals(last_words: Callable[[], None]) -> threading.Event:
    """Shut rclpy down at the first signal, or when the launcher has ended, in a thread.

    SIGINT, SIGTERM and SIGHUP end a node, also where they were ignored or blocked when it was
    started. Only an ignored SIGHUP stays ignored, for that is what ``nohup`` asks for.

    rclpy's own handler shuts down at once, and nothing can be published after it. Python's run in
    the main thread alone, which may be waiting for a message or be within a piece of work; what
    it is told through this file descriptor is told at once.

    :param last_words: called before, and waited for, but not for ever
    :return: set once a node is to end; ROS may not have been started then, and so not be shut down
    """
    ending = threading.Event()
    told, tells = socket.socketpair()
    _OPEN.extend((told, tells))
    tells.setblocking(False)
    # First, so that no signal is handled without being told.
    signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    wanted = handle_end_signals(lambda *_: None)

    def end() -> None:
        # In a thread: where the node itself hangs, its lock may be held.
        last = threading.Thread(target=last_words, name='last words', daemon=True)
        last.start()
        last.join(_LAST_WORDS_TIMEOUT_S)

    def wait() -> None:
        while octets := told.recv(1):
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
    # The kernel's own answer to SIGALRM ends a process that hangs in any way.
    signal.setitimer(signal.ITIMER_REAL, _ORPHAN_TIMEOUT_S)
    os.kill(os.getpid(), signal.SIGTERM)
