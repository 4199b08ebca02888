"""The command line: options of every command, and the function that it calls."""

from her_ros.runtime.process import quiet_start

quiet_start()
