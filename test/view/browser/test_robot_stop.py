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

from concurrent.futures import ThreadPoolExecutor

from her_ros.view.browser.robot_stop import RobotStop
import pytest
from std_srvs.srv import Trigger

pytestmark = pytest.mark.nodes


def test_each_robot_is_asked_at_once_and_its_answer_is_reported(graph):
    stop, asked = RobotStop(graph.new_node('view')), []

    def answer(_, response):
        asked.append(True)
        response.success, response.message = True, 'the episode was stopped'
        return response

    bridge = graph.new_node('robot_bridge')
    bridge.create_service(Trigger, '/mine/robot_bridge/stop', answer)
    stop.add('/gone/robot_bridge/stop')
    for _ in range(2):  # one of a robot is added with each report
        stop.add('/mine/robot_bridge/stop')
    graph.until(
        lambda: bridge.count_clients('/mine/robot_bridge/stop') == 1, 'the client is found'
    )
    with ThreadPoolExecutor() as pool:
        lines = pool.submit(stop.stop)
        graph.until(lines.done, 'the answers', 2.5)
    mine, gone = sorted(lines.result(), reverse=True)
    assert len(asked) == 1
    assert mine == '/mine/robot_bridge: the episode was stopped'
    assert gone.startswith('/gone/robot_bridge: not there, nothing sent.')
