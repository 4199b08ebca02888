"""Checkpoints: written whole, and read without running what a file says."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from her_ros.core.errors import HerRosError
from her_ros.core.files import write_whole


class CheckpointError(HerRosError):
    """A checkpoint that cannot be read."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write nested dictionaries and lists of tensors, numbers and text."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, unpickling nothing but tensors and plain values.

    :raises CheckpointError: if the file is damaged, or holds anything else
    """
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CheckpointError(
            f'{path}: not a readable checkpoint ({reason[0]}); move it away to learn anew from'
            ' the bags beside it'
        ) from None
