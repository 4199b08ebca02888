"""How processes end, and that none outlives the one that started it."""

import ctypes
import os
import signal

#: exit status of a node that only its user can help; it is not started again
USER_ERROR = 2

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends (Linux).

    :param parent: the parent's process, as it may have ended already
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
