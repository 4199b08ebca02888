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
import signal
import subprocess
import sys
import textwrap
import time

from her_ros.runtime.process import END_SIGNALS, LAUNCHER
import pytest

DEADLINE_S = 20.0
COMMAND = """
    import sys, time
    from her_ros.runtime.process import end_command_by_signals
    came = end_command_by_signals()
    try:
        print('ready', flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.2)  # a second signal meanwhile does not interrupt the clean-up
        print('cleaned up after', came(), flush=True)
"""
NODE = """
    import sys, threading
    from her_ros.runtime.process import end_with_launcher
    ended = threading.Event()
    end_with_launcher(ended.set)
    print('ready', flush=True)
    sys.exit(0 if ended.wait(20) else 1)
"""


@pytest.fixture
def start():
    """Start Python code as a process; kill it in the end."""
    started = []

    def start(code, ignored=(), blocked=(), **environment):
        def ignore():
            signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        process = subprocess.Popen(
            [sys.executable, '-c', textwrap.dedent(code)],
            stdout=subprocess.PIPE, text=True, preexec_fn=ignore,
            env={**os.environ, **environment},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


# What a script starts by `&` ignores SIGINT; it must end all the same.
@pytest.mark.parametrize(
    'inherited', [{}, {'ignored': (signal.SIGINT, signal.SIGTERM)}, {'blocked': END_SIGNALS}]
)
@pytest.mark.parametrize('number', END_SIGNALS)
def test_each_end_signal_ends_a_command_once_and_lets_it_clean_up(start, number, inherited):
    process = start(COMMAND, **inherited)
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(number)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert output == f'cleaned up after {int(number)}\n'
    assert process.returncode == 0


def test_nohup_keeps_sighup_ignored(start):
    process = start(COMMAND, [signal.SIGHUP])
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)


def test_a_node_notices_that_its_launcher_was_killed(start):
    launcher = start('print("ready", flush=True); import time; time.sleep(60)')
    assert launcher.stdout.readline() == 'ready\n'
    node = start(NODE, **{LAUNCHER: str(launcher.pid)})
    assert node.stdout.readline() == 'ready\n'
    with pytest.raises(subprocess.TimeoutExpired):
        node.wait(0.3)
    launcher.kill()
    launcher.wait()
    assert node.wait(5.0) == 0


def test_a_node_notices_a_launcher_that_ended_before_it_started(start):
    launcher = start('pass')
    launcher.wait()
    assert start(NODE, **{LAUNCHER: str(launcher.pid)}).wait(DEADLINE_S) == 0


@pytest.mark.parametrize('module', ['her_ros.cli.main', 'her_ros.nodes.policy'])
def test_an_interrupt_during_imports_prints_no_traceback(module):
    # Sent as soon as the package is imported, long before the program takes signals itself.
    code = f"""
        import os, signal, sys, threading
        sys.orig_argv = ['python', '-m', {module!r}]
        import {module.rpartition('.')[0]}
        os.kill(os.getpid(), signal.SIGINT)
        import {module}
    """
    done = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code)], capture_output=True, timeout=DEADLINE_S
    )
    assert done.returncode == -signal.SIGINT
    assert done.stderr == b''
