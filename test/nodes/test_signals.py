import signal
import subprocess
import sys
import time

import pytest
from geometry_msgs.msg import TwistStamped

from her_ros.nodes.qos import COMMAND
from her_ros.runtime.process import LAUNCHER
from her_ros.wire.topics import TWIST

pytestmark = pytest.mark.nodes

# Slow, so that the episode lasts; without homing, so that it begins at once.
SLOW = (
    '--set', 'robot_bridge.full_action_speed_mps=0.02',
    '--set', 'robot_bridge.episode_steps=2000',
    '--set', 'robot_bridge.success_steps=0',
)  # fmt: skip


@pytest.fixture
def speeds(graph):
    """Return the speeds that the arm was told to move at, m/s, with times of arrival."""
    heard = []

    def note(message):
        linear = message.twist.linear
        heard.append((time.monotonic(), (linear.x**2 + linear.y**2 + linear.z**2) ** 0.5))

    graph.node.create_subscription(TwistStamped, f'/robot/{TWIST}', note, COMMAND)
    return heard


# SIGKILL gives the command itself no chance; its nodes have to notice.
@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_deployment_ends_with_a_zero_command(
    graph, speeds, node_processes, tmp_path, wait, number
):
    command = graph.cli(
        'deploy', '--task', 'FetchReach', '--folder', str(tmp_path / 'deployment'), *SLOW
    )
    graph.until(lambda: graph.status('/robot/robot_bridge'), 'the bridge')
    graph.cli('goal', '1.45', '0.85', '0.65', '--no-wait')
    graph.until(lambda: speeds and speeds[-1][1] > 0.005, 'a motion')
    sent_at = time.monotonic()
    command.popen.send_signal(number)
    graph.until(lambda: not node_processes(''), 'the end of all nodes', timeout_s=10.0)
    for _ in range(20):
        graph.spin()
    assert command.ended() == (-number if number == signal.SIGKILL else 0)
    assert speeds[-1][1] == 0.0
    moving = [at for at, speed in speeds if speed > 0.0]
    assert moving[-1] - sent_at < 1.0


def test_a_node_that_starts_with_ignored_signals_ends_by_them(graph):
    shell = f'trap "" INT TERM; exec {sys.executable} -m her_ros.nodes.policy --ros-args'
    node = graph.run('sh', '-c', f'{shell} -r __ns:=/scripted -p explore:=true')
    graph.until(lambda: graph.status('/scripted/policy'), 'diagnostics')
    node.popen.send_signal(signal.SIGINT)
    assert node.ended(10.0) == 0


def test_a_node_that_starts_with_blocked_signals_ends_by_them(graph):
    block = 'import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [2, 15, 1]);'
    code = f'{block} os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
    arguments = ('--ros-args', '-r', '__ns:=/blocked', '-p', 'explore:=true')
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
