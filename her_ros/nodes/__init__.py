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

"""One file per node. Nodes translate between messages and arrays; they do not decide."""

import os
import sys

from her_ros.runtime.last_error import report
from her_ros.runtime.process import is_program, quiet_start, USER_ERROR
from her_ros.runtime.ros_environment import check_middleware, RosEnvironmentError

quiet_start()
if is_program():
    # Importing rclpy would end the process with lines of its own.
    try:
        check_middleware(os.environ)
    except RosEnvironmentError as _error:
        report(_error, 'her_ros')
        sys.exit(USER_ERROR)
