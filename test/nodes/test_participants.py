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

from socket import gethostname

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from her_ros.nodes.participants import Participants
from her_ros.nodes.qos import STATUS
from her_ros.wire.topics import DIAGNOSTICS
import pytest

pytestmark = pytest.mark.nodes

HERE, NAME = gethostname(), '/run/sim_env'


def report(**values):
    status = DiagnosticStatus(name=NAME)
    status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return status


def test_nodes_of_one_name_are_distinguished_by_host_and_process(graph):
    participants = Participants(graph.node)
    publisher = graph.new_node('reporter').create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)
    reports = [
        report(host=HERE, pid=12, run_dir='/runs/mine'),
        report(host='far', pid=13, run_dir='/runs/theirs'),
        report(busy=0.5),  # a node of another package
    ]

    def described():
        publisher.publish(DiagnosticArray(status=reports))
        return participants.describe(NAME, [12])

    assert graph.until(described, 'a description') == f'host {HERE}, pid 12, run /runs/mine'
    assert participants.describe(NAME, [14]) == ''
    assert participants.describe(NAME, []) == 'host far, pid 13, run /runs/theirs'
    assert participants.describe('/run/policy', []) == ''
    participants.close()
