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

from her_ros.sim.errors import SimError
from her_ros.sim.rendering import gl
import pytest


@pytest.fixture(autouse=True)
def _choose_again():
    gl._gl_kind.cache_clear()
    yield
    gl._gl_kind.cache_clear()


def test_without_any_library_the_packages_are_named(monkeypatch):
    monkeypatch.delenv('MUJOCO_GL', raising=False)
    absent = {'egl': ('libno_egl.so', 'libegl1'), 'osmesa': ('libno_mesa.so', 'libosmesa6')}
    monkeypatch.setattr(gl, '_LIBRARIES', absent)
    with pytest.raises(SimError, match='neither EGL nor OSMesa; install libegl1 or libosmesa6'):
        gl.gl_context(8, 8)


def test_what_fails_in_another_process_is_not_taken(monkeypatch):
    loadable = {'nothing_of_mujoco': ('libc.so.6', 'a'), 'osmesa': ('libm.so.6', 'b')}
    monkeypatch.setattr(gl, '_LIBRARIES', loadable)
    assert gl._gl_kind('') == 'osmesa'


def test_a_kind_that_does_not_work_gives_one_line(monkeypatch):
    monkeypatch.setenv('MUJOCO_GL', 'broken')
    monkeypatch.setattr(gl, '_LIBRARIES', {'broken': ('libc.so.6', 'libegl1')})
    with pytest.raises(SimError, match='broken does not work here') as caught:
        gl.gl_context(8, 8)
    assert '\n' not in str(caught.value)
