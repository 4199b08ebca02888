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
Machines as network namespaces, on a switch that delays every frame and counts bytes.

The kernel's own emulation of delays (``netem``) is missing in many virtual machines, so a thread
here is the switch: it reads frames from a TAP device per machine, and writes them to the TAP
device of the receiver later. Needs root, ``ip`` and ``/dev/net/tun``.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
import ctypes
import fcntl
import os
from pathlib import Path
import select
import struct
import subprocess
import threading
import time

_CLONE_NEWNET, _TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x40000000, 0x400454CA, 0x2, 0x1000
_INTERFACE = 'net0'
_LONGEST_FRAME = 65_536
# Longest wait for a frame, seconds, so that the switch sees its end.
_POLL_S = 0.05


class Network:
    """
    Machines on a switch.

    :param names: of the network namespaces, in order
    :param taps: file descriptors of their interfaces
    """

    def __init__(self, names: list[str], taps: list[int], delay_s: float) -> None:
        self.names = names
        self._taps, self._delay_s = taps, delay_s
        #: bytes that each machine sent, with the headers of Ethernet
        self.sent = [0] * len(names)
        self._waiting: deque[tuple[float, list[int], bytes]] = deque()
        self._ports: dict[bytes, int] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name='switch', daemon=True)
        self._thread.start()

    def prefix(self, machine: int) -> list[str]:
        """Return what stands before a command that runs on a machine."""
        return ['ip', 'netns', 'exec', self.names[machine]]

    def close(self) -> None:
        """Stop the switch."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.is_set():
            wait_s = self._waiting[0][0] - time.monotonic() if self._waiting else _POLL_S
            readable, _, _ = select.select(self._taps, [], [], max(0.0, min(wait_s, _POLL_S)))
            for tap in readable:
                self._take(self._taps.index(tap))
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, ports, frame = self._waiting.popleft()
                for port in ports:
                    os.write(self._taps[port], frame)

    def _take(self, port: int) -> None:
        """Read a frame; unknown receivers and multicast go to all others."""
        frame = os.read(self._taps[port], _LONGEST_FRAME)
        self.sent[port] += len(frame)
        receiver, sender = frame[:6], frame[6:12]
        self._ports[sender] = port
        known = self._ports.get(receiver)
        others = [each for each in range(len(self._taps)) if each != port]
        ports = others if known is None else [known] if known != port else []
        self._waiting.append((time.monotonic() + self._delay_s, ports, frame))


@contextmanager
def network(machines: int, delay_s: float) -> Iterator[Network]:
    """
    Make machines on a switch; remove them at the end.

    :param delay_s: of every frame, one way
    :raises OSError: if this user may not
    :raises subprocess.CalledProcessError: likewise
    """
    with ExitStack() as stack:
        names, taps = [], []
        for number in range(machines):
            name = f'her_ros_{os.getpid()}_{number}'
            _ip('netns', 'add', name)
            stack.callback(_ip, 'netns', 'del', name)
            tap = _tap_in(name)
            stack.callback(os.close, tap)
            _ip('-n', name, 'address', 'add', f'10.214.0.{number + 1}/24', 'dev', _INTERFACE)
            for interface in ('lo', _INTERFACE):
                _ip('-n', name, 'link', 'set', interface, 'up')
            names.append(name)
            taps.append(tap)
        made = Network(names, taps, delay_s)
        stack.callback(made.close)
        yield made


def _tap_in(namespace: str) -> int:
    """Make a TAP device in a namespace; return its file descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(path: Path) -> None:
        with path.open('rb') as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f'{path}: cannot be entered')

    own = Path('/proc/thread-self/ns/net')
    with own.open('rb') as before:
        enter(Path('/run/netns', namespace))
        try:
            tap = os.open('/dev/net/tun', os.O_RDWR)
            request = struct.pack('16sH22x', _INTERFACE.encode(), _IFF_TAP | _IFF_NO_PI)
            fcntl.ioctl(tap, _TUNSETIFF, request)
        finally:
            libc.setns(before.fileno(), _CLONE_NEWNET)
    return tap


def _ip(*arguments: str) -> None:
    subprocess.run(['ip', *arguments], check=True, capture_output=True, timeout=10.0)
