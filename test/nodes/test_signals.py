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

import signal
import subprocess
import sys
import time

from her_ros.runtime.process import LAUNCHER
import pytest

pytestmark = [pytest.mark.nodes, pytest.mark.real_time]


def test_a_node_that_starts_with_ignored_signals_ends_by_them(graph):
    shell = f'trap "" INT TERM; exec {sys.executable} -m her_ros.nodes.policy --ros-args'
    node = graph.run('sh', '-c', f'{shell} -r __ns:=/scripted -p exploration.enabled:=true')
    graph.until(lambda: graph.status('/scripted/policy'), 'diagnostics')
    node.popen.send_signal(signal.SIGINT)
    assert node.ended(10.0) == 0


def test_a_node_that_starts_with_blocked_signals_ends_by_them(graph):
    block = 'import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [2, 15, 1]);'
    code = f'{block} os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
    arguments = ('--ros-args', '-r', '__ns:=/blocked', '-p', 'exploration.enabled:=true')
    node = graph.run(sys.executable, '-c', code, '-m', 'her_ros.nodes.policy', *arguments)
    graph.until(lambda: graph.status('/blocked/policy'), 'diagnostics')
    node.popen.send_signal(signal.SIGTERM)
    assert node.ended(10.0) == 0


def test_a_signal_at_any_moment_of_a_start_ends_a_node_quietly(graph):
    """Sweep the start, ROS's own included, where a signal was lost once."""
    for delay_s in (0.3, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4):
        node = graph.start('simulated_robot', '/swept', {'task': 'FetchReach'})
        time.sleep(delay_s)
        node.popen.send_signal(signal.SIGINT)
        # Before its first line runs the kernel ends it.
        assert node.ended(10.0) in (0, -signal.SIGINT)
        assert 'Traceback' not in node.output


def test_a_node_that_hangs_ends_some_seconds_after_its_launcher(graph):
    launcher = subprocess.Popen(['sleep', '60'])
    hang = (
        'from her_ros.nodes import node, signals; import time\n'
        'signals._ORPHAN_TIMEOUT_S = 1\n'
        'class Hanging:\n'
        '    def __init__(self): print("ready", flush=True); time.sleep(60)\n'
        'node.run(Hanging)'
    )
    node = graph.run(sys.executable, '-c', hang, **{LAUNCHER: str(launcher.pid)})
    graph.until(lambda: node.lines, 'the start')
    launcher.kill()
    launcher.wait()
    assert node.ended(5.0) == -signal.SIGALRM
