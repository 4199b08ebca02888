"""One file per node. Nodes translate between messages and arrays; they do not decide."""

import os
import sys

from her_ros.runtime.last_error import report
from her_ros.runtime.process import USER_ERROR, is_program, quiet_start
from her_ros.runtime.ros_environment import RosEnvironmentError, check_middleware

quiet_start()
if is_program():
    # Importing rclpy would end the process with lines of its own.
    try:
        check_middleware(os.environ)
    except RosEnvironmentError as _error:
        report(_error, 'her_ros')
        sys.exit(USER_ERROR)
