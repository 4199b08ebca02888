"""Named values over time, for TensorBoard."""

import threading
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from her_ros.core.errors import HerRosError


class ScalarError(HerRosError):
    """Values that cannot be written."""


class ScalarLog:
    """Writes TensorBoard's event files; the first value makes the file.

    :param folder: takes the event files
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def add(self, name: str, value: float, step: int) -> None:
        """Add a value.

        :raises ScalarError: if the disk is full, or the folder cannot be written
        """
        try:
            if self._writer is None:
                _keep_quiet()
                self._writer = SummaryWriter(str(self._folder), max_queue=1000, flush_secs=10)
            self._writer.add_scalar(name, value, step)
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Write what is waiting.

        :raises ScalarError: if that fails
        """
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> ScalarError:
        return ScalarError(f'{self._folder}: cannot be written ({error.strerror})')


def _keep_quiet() -> None:
    """Print no traceback of TensorBoard's thread that cannot write; the next value raises it."""
    hook = threading.excepthook

    def quiet(arguments: threading.ExceptHookArgs) -> None:
        is_its_own = type(arguments.thread).__module__.startswith('tensorboard.')
        if not (is_its_own and issubclass(arguments.exc_type, OSError)):
            hook(arguments)

    threading.excepthook = quiet
