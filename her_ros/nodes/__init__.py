"""One file per node. Nodes translate between messages and arrays; they do not decide."""

from her_ros.core.process import quiet_start

quiet_start()
