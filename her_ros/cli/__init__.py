"""Commands, parameter files, the one list of nodes, and the supervisor that runs them."""

from her_ros.runtime.process import quiet_start

quiet_start()
