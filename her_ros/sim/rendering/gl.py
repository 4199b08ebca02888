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

"""Choose how OpenGL draws without a display: EGL or OSMesa."""

import ctypes
import functools
from importlib import import_module
import os
import subprocess
import sys
from typing import Any

from her_ros.sim.errors import SimError

# Library and Debian package of each, the better first: EGL draws on a GPU if there is one.
_LIBRARIES = {'egl': ('libEGL.so.1', 'libegl1'), 'osmesa': ('libOSMesa.so.8', 'libosmesa6')}
_PROBE = 'import sys, importlib; importlib.import_module("mujoco." + sys.argv[1]).GLContext(8, 8)'
_PROBE_S = 30.0


def gl_context(width: int, height: int) -> Any:
    """
    Make an OpenGL context that draws without a display, as ``mujoco.egl.GLContext``.

    ``MUJOCO_GL`` chooses its kind if it is ``egl`` or ``osmesa``, as for MuJoCo itself.

    :param width: largest width of pictures, pixels
    :param height: largest height
    :raises SimError: if this machine has neither EGL nor OSMesa
    """
    kind = _gl_kind(os.environ.get('MUJOCO_GL', '').lower().strip())
    try:
        return import_module(f'mujoco.{kind}').GLContext(width, height)
    except Exception as error:  # PyOpenGL and ctypes fail in many ways
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise SimError(
            f'pictures cannot be drawn: {kind} does not work here ({reason[:200]})', _cure()
        ) from error


@functools.cache
def _gl_kind(wanted: str) -> str:
    """
    Return the module of MuJoCo that makes contexts: the wanted one, or one that works.

    :raises SimError: if there is none
    """
    if wanted in _LIBRARIES:
        return wanted
    found = [kind for kind, (library, _) in _LIBRARIES.items() if _loads(library)]
    if not found:
        raise SimError('pictures cannot be drawn: there is neither EGL nor OSMesa', _cure())
    # PyOpenGL takes one kind per process, so all but the last are tried in another one.
    return next((kind for kind in found[:-1] if _works(kind)), found[-1])


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _works(kind: str) -> bool:
    command = [sys.executable, '-c', _PROBE, kind]
    quiet = subprocess.DEVNULL
    try:
        ran = subprocess.run(command, stdout=quiet, stderr=quiet, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def _cure() -> str:
    packages = ' or '.join(package for _, package in _LIBRARIES.values())
    return f'install {packages} (apt-get install libegl1)'
