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

"""Write named values over time for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
import threading
from typing import Any

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import WRITABLE
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

#: name of the success rate of an evaluation
SUCCESS_RATE = 'evaluation/success_rate'


class ScalarError(HerRosError):
    """Values that cannot be written."""


class ScalarLog:
    """
    Writes TensorBoard's event files; the first value makes the file.

    :param folder: takes the event files
    :param hyperparameters: what TensorBoard's page HPARAMS shows of the run; lists become text
    """

    def __init__(self, folder: Path, hyperparameters: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._hyperparameters = hyperparameters or {}
        self._writer: SummaryWriter | None = None

    def add(self, name: str, value: float, step: int) -> None:
        """
        Add a value.

        :raises ScalarError: if the disk is full, or the folder cannot be written
        """
        try:
            if self._writer is None:
                _keep_quiet()
                self._writer = SummaryWriter(str(self._folder), max_queue=1000, flush_secs=10)
                self._add_hyperparameters(self._writer)
            self._writer.add_scalar(name, value, step)
        except OSError as error:
            raise self._failure(error) from error

    def _add_hyperparameters(self, writer: SummaryWriter) -> None:
        if not self._hyperparameters:
            return
        values = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in self._hyperparameters.items()
        }
        # The metric that is compared over runs; its values are those of the scalar.
        for summary in hparams(values, {SUCCESS_RATE: 0.0}):
            writer._get_file_writer().add_summary(summary)

    def close(self) -> None:
        """
        Write the buffered values.

        :raises ScalarError: if that fails
        """
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> ScalarError:
        return ScalarError(f'cannot be written ({error.strerror})', WRITABLE, self._folder)


def _keep_quiet() -> None:
    """Print no traceback of TensorBoard's thread that cannot write; the next value raises it."""
    hook = threading.excepthook

    def quiet(arguments: threading.ExceptHookArgs) -> None:
        is_its_own = type(arguments.thread).__module__.startswith('tensorboard.')
        if not (is_its_own and issubclass(arguments.exc_type, OSError)):
            hook(arguments)

    threading.excepthook = quiet
