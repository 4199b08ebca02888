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

"""The temporary ROS node of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
import os

from her_ros.nodes.rclpy_private import text_of
from her_ros.orchestration.dds_environment import graph_environment
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.runtime.ros_environment import check_ros_environment
import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions


@contextmanager
def ros_node(name: str, own_signals: bool = True) -> Iterator[Node]:
    """
    Run a node within a context, in the environment of the package's nodes.

    :param own_signals: leave signals to Python; false: ROS ends at SIGINT and SIGTERM
    :raises HerRosError: if ROS cannot start here
    """
    check_ros_environment(os.environ)
    os.environ.update(graph_environment())
    options = SignalHandlerOptions.NO if own_signals else SignalHandlerOptions.ALL
    try:
        with ros_errors():
            rclpy.init(signal_handler_options=options)
            node = rclpy.create_node(name)
        yield node
        node.destroy_node()
    finally:
        try:
            rclpy.try_shutdown()
        except RuntimeError:  # the signal handler of ROS was faster by a moment
            if rclpy.ok():
                raise


# Cure of errors that only ROS knows.
_ENVIRONMENT = 'check names and the environment variables of ROS'


@contextmanager
def ros_errors() -> Iterator[None]:
    """
    Convert errors of ROS about its environment or names to one line.

    :raises HerRosError: with the text of the error of ROS
    """
    try:
        yield
    except (RuntimeError, NameValidationException) as error:
        raise HerRosError(one_line(text_of(error)), _ENVIRONMENT, 'ROS') from None
