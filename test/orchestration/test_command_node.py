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

from her_ros.orchestration.command_node import ros_node
import pytest
import rclpy


@pytest.mark.nodes
def test_a_shutdown_by_the_signal_handler_of_ros_meanwhile_is_no_error(monkeypatch):
    def late():
        rclpy.shutdown()
        raise RuntimeError('rcl_shutdown already called')

    monkeypatch.setattr(rclpy, 'try_shutdown', late)
    with ros_node('late', own_signals=False) as node:
        assert node.get_name() == 'late'
    assert not rclpy.ok()


@pytest.mark.nodes
def test_a_failed_shutdown_is_an_error(monkeypatch):
    def fail():
        raise RuntimeError('no')

    with monkeypatch.context() as patch:
        patch.setattr(rclpy, 'try_shutdown', fail)
        with pytest.raises(RuntimeError, match='no'), ros_node('failing', own_signals=False):
            pass
    rclpy.try_shutdown()
