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

import io
import re

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from her_ros.nodes.qos import STATUS
from her_ros.view.display import Display
from her_ros.wire.topics import DIAGNOSTICS
import pytest
from rich.console import Console

pytestmark = pytest.mark.nodes


@pytest.fixture
def publish(graph):
    publisher = graph.node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)

    def publish(name, **values):
        status = DiagnosticStatus(name=name, message='x')
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        publisher.publish(DiagnosticArray(status=[status]))

    return publish


def shown(display, publish, wanted, wait):
    """Publish and update until a line says something."""

    def says():
        publish('/other/trainer', episodes=999, waits_for='nothing of ours')
        publish('/mine/worker_0/sim_env', waits_for='[the trainer] to catch up')
        publish('/mine/evaluator', waits_for='a policy to evaluate')
        publish(
            '/mine/trainer', episodes=12, env_steps=600, updates=240, success_rate=0.75, busy=1
        )
        for _ in range(4):  # a message at a time
            display.update(0.05)
        return wanted in display.line()

    wait(says, wanted)
    return display.line()


def test_a_line_says_how_the_run_of_its_namespace_does(publish, wait):
    console = Console(file=io.StringIO(), width=20, markup=False)
    with Display('FetchReach, run_001', 'mine', console) as display:
        assert 'episodes 0' in display.line()
        assert 'waiting: nothing heard yet' in display.line()
        shown(display, publish, 'env steps 600', wait)
        line = shown(display, publish, 'catch up', wait)
    assert re.search(r'episodes 12 .*updates 240 .*success 0.75', line)
    assert 'waiting: worker_0/sim_env: [the trainer] to catch up' in line
    assert 'busy: sim_env 0.00, trainer 1.00, evaluator 0.00' in line
    assert '999' not in line
    assert (
        'a policy to evaluate' not in line
    )  # the evaluator waits most of the time, and that is fine
    printed = console.file.getvalue().splitlines()
    # one line at the start; not wrapped, though the console is narrow
    assert len(printed) == 1
    assert 'episodes 0' in printed[0]


def test_a_terminal_gets_a_table(publish, wait):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, markup=False)
    with Display('FetchReach, run_[001]', 'mine', console) as display:
        shown(display, publish, 'env steps 600', wait)
        shown(display, publish, 'catch up', wait)
    text = re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', console.file.getvalue())
    begin = text.rindex('FetchReach, run_[001]')
    last = text[begin:]
    for row in ('episodes +│ 12', 'env steps +│ 600', 'success of the last evaluation +│ 0.75'):
        assert re.search(row, last)
    assert '[the trainer] to catch up' in last
    assert 'trainer 1.00' in last


def test_the_table_keeps_its_width(publish, wait):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, markup=False)
    with Display('FetchReach, run_001', 'mine', console) as display:
        shown(display, publish, 'catch up', wait)
    widths = {len(line) for line in console.file.getvalue().splitlines() if line.startswith('│')}
    assert widths == {100}
