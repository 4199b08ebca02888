"""SIGINT and SIGTERM end ROS, but not before a node has had its last word."""

import signal
import socket
import threading
from collections.abc import Callable

import rclpy

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Open until the process ends: a second signal is written to it as well, after the first was dealt
# with, and launch sends one of its own besides Ctrl-C's.
_OPEN: list[socket.socket] = []


def end_by_signals(last_words: Callable[[], None]) -> None:
    """Shut rclpy down at the first signal, in a thread of its own.

    rclpy's own handler does so at once, and nothing can be published after it. Python's run in
    the main thread alone, which may be waiting for a message or be within a piece of work; what
    it is told through this file descriptor is told at once.

    :param last_words: called before
    """
    told, tells = socket.socketpair()
    _OPEN.extend((told, tells))
    tells.setblocking(False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        while told.recv(1)[0] not in _SIGNALS:
            pass
        try:
            last_words()
        finally:
            rclpy.try_shutdown()

    threading.Thread(target=wait, name='signals', daemon=True).start()
