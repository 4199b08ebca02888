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
