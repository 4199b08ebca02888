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

import os
import pty
import subprocess
import sys
import textwrap

from her_ros.runtime.output import fitted
import pytest

DEADLINE_S = 20.0


def program(ends_with_reader, code):
    start = f"""
        import sys
        from her_ros.runtime.output import steady_output
        steady_output(ends_with_reader={ends_with_reader})
    """
    return [sys.executable, '-c', textwrap.dedent(start) + textwrap.dedent(code)]


@pytest.mark.parametrize('encoding', ['ascii', 'iso-8859-1', 'euc-jp'])
def test_characters_that_the_encoding_lacks_are_replaced(encoding):
    done = subprocess.run(
        program(True, "print('0 – 1 → ü'); print('ß – ü', file=sys.stderr)"),
        capture_output=True,
        env={**os.environ, 'PYTHONIOENCODING': encoding},
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == '0 – 1 → ü\n'.encode(encoding, errors='replace')
    assert done.stderr == 'ß – ü\n'.encode(encoding, errors='backslashreplace')


# A command in `her-ros … | head` ends as other tools do; a node goes on.
@pytest.mark.parametrize(('ends_with_reader', 'status'), [(True, 141), (False, 7)])
def test_a_pipe_whose_reader_has_ended(ends_with_reader, status):
    code = """
        sys.stdin.readline()
        for _ in range(5000):
            print('a line that nobody reads')
        sys.exit(7)
    """
    process = subprocess.Popen(
        program(ends_with_reader, code),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    _, errors = process.communicate(b'\n', timeout=DEADLINE_S)
    assert process.returncode == status
    assert errors == b''


@pytest.mark.parametrize('ends_with_reader', [True, False])
def test_a_terminal_that_is_closed_interferes_with_nothing(ends_with_reader, tmp_path):
    code = f"""
        import pathlib, signal
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print('ready')
        sys.stdin.readline()
        for _ in range(100):
            print('to a dead terminal'); print('and again', file=sys.stderr)
        pathlib.Path({str(tmp_path / 'done')!r}).touch()
    """
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        program(ends_with_reader, code), stdin=subprocess.PIPE, stdout=end, stderr=end
    )
    os.close(end)
    assert os.read(terminal, 100).startswith(b'ready')
    os.close(terminal)
    process.communicate(b'\n', timeout=DEADLINE_S)
    assert process.returncode == 0
    assert (tmp_path / 'done').exists()


@pytest.mark.parametrize(('ends_with_reader', 'is_error'), [(True, True), (False, False)])
def test_a_node_goes_on_when_its_log_is_on_a_full_disk(ends_with_reader, is_error):
    code = """
        print('a line', flush=True)
        print('another', file=sys.stderr, flush=True)
    """
    with open('/dev/full', 'w') as full:
        done = subprocess.run(
            program(ends_with_reader, code), stdout=full, stderr=full, timeout=DEADLINE_S
        )
    assert (done.returncode != 0) == is_error


def test_lines_fit_a_terminal_and_paths_stay_whole():
    text = 'no_her_seed_0: limit, success 0.95 after 300,000 env steps, 1234 s'
    assert fitted(text, 60).splitlines() == [
        'no_her_seed_0: limit, success 0.95 after 300,000 env steps,',
        '  1234 s',
    ]
    path = f'/tmp/{"long-" * 20}name'
    assert (
        path in fitted(f'b failed: the disk is full ({path})', 60).replace('(', ' ').split(')')[0]
    )
    assert fitted('  out/results.csv\nb', 60) == '  out/results.csv\nb'
