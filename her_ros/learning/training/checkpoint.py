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

"""Write checkpoints atomically, and read them without running code from the file."""

import io
from pathlib import Path
import pickle
from typing import Any
import zipfile

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import require_regular, write_whole
import torch

# Raised when an older checkpoint can no longer be read.
_FORMAT = 'her_ros checkpoint 4'

#: cure of a checkpoint that cannot be used
START_ANEW = 'move it away to learn anew from the bags beside it'


class CheckpointError(HerRosError):
    """A checkpoint that cannot be read."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write nested dictionaries and lists of tensors, numbers and text."""
    buffer = io.BytesIO()
    torch.save({'format': _FORMAT, **state}, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint onto the CPU, unpickling nothing but tensors and plain values.

    :raises CheckpointError: if the file is damaged, or holds anything else
    """
    try:
        # torch does not verify the checksums that it writes.
        require_regular(path)
        with zipfile.ZipFile(path) as archive:
            # torch compresses nothing; compressed content may expand to any size.
            if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
                raise zipfile.BadZipFile('it is compressed')
            if (damaged := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f'the checksum of {damaged} is wrong')
        state = torch.load(path, map_location='cpu', weights_only=True)
        if not isinstance(state, dict) or state.pop('format', None) != _FORMAT:
            raise ValueError('it is not of her_ros, or of another version')
        return state
    except Exception as error:  # on damage, zip and pickle raise undocumented errors
        # torch's message for a refused file advises to run the code in it.
        is_refused = isinstance(error, pickle.UnpicklingError)
        text = 'it holds more than tensors and plain values' if is_refused else str(error)
        reason = text.strip().splitlines() or [type(error).__name__]
        raise CheckpointError(
            f'not a readable checkpoint ({reason[0]})', START_ANEW, source=path
        ) from None
