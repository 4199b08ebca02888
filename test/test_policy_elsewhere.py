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

"""The examples that run a policy without this package act as the package does."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

from her_ros.policy.onnx_policy import OnnxPolicy
import numpy as np
import onnxruntime
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / 'examples' / 'policy_elsewhere'
MODEL = ROOT / 'models' / 'FetchPush' / 'policy.onnx'
#: unpacked release of ONNX Runtime, with headers
RELEASE = Path(os.environ.get('ONNXRUNTIME', '/usr'))
STATES = np.random.default_rng(0).normal(size=(20, 31)).astype(np.float32)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Return the C++ example, compiled against the headers of a release."""
    found = [RELEASE / 'include', RELEASE / 'include' / 'onnxruntime']
    headers = next((each for each in found if (each / 'onnxruntime_cxx_api.h').is_file()), None)
    if headers is None or shutil.which('g++') is None:
        pytest.skip('needs g++ and the headers of ONNX Runtime: set ONNXRUNTIME to a release')
    folder = tmp_path_factory.mktemp('built')
    # The library of the Python package, under the names that the linker and the loader ask for.
    (library,) = Path(onnxruntime.__file__).parent.glob('capi/libonnxruntime.so.*')
    for name in ('libonnxruntime.so', 'libonnxruntime.so.1'):
        (folder / name).symlink_to(library)
    command = ['g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', f'-isystem{headers}']
    command += [str(EXAMPLES / 'act.cpp'), '-o', str(folder / 'act'), f'-L{folder}']
    subprocess.run([*command, '-lonnxruntime', f'-Wl,-rpath,{folder}'], check=True)
    return [str(folder / 'act')]


def act(command, text):
    """Run an example on lines of states."""
    return subprocess.run(
        [*command, str(MODEL)],
        input=text,
        capture_output=True,
        text=True,
        timeout=60.0,
        # -P and an empty folder: nothing of this package is there to be imported.
        env={key: value for key, value in os.environ.items() if key != 'PYTHONPATH'},
    )


def check(command):
    done = act(command, '\n'.join(' '.join(map(str, each)) for each in STATES) + '\n')
    assert done.returncode == 0, done.stderr
    assert 'FetchPush' in done.stderr
    assert '31 numbers per state, an action every 0.04 s' in done.stderr
    actions = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    policy = OnnxPolicy(MODEL.read_bytes(), str(MODEL))
    expected = policy.act(*np.split(STATES, [25, 28], axis=1))
    np.testing.assert_allclose(actions, expected, rtol=1e-5, atol=1e-6)
    for wrong in ('1 2\n', 'a b\n', ' '.join(['nan'] * 31) + '\n'):
        refused = act(command, wrong)
        assert refused.returncode == 1
        assert 'line 1: expected 31 finite numbers' in refused.stderr
        assert 'Traceback' not in refused.stderr


def test_the_python_example_acts_as_the_package_does():
    check([sys.executable, '-P', str(EXAMPLES / 'act.py')])
    assert 'her_ros' not in ''.join(
        line for line in (EXAMPLES / 'act.py').read_text().splitlines() if 'import' in line
    )


def test_the_cpp_example_acts_as_the_package_does(built):
    check(built)
