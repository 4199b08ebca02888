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

"""Check the structure of a checkpoint before any of it is used."""

import math
from pathlib import Path
from typing import Any

from her_ros.learning.training.checkpoint import CheckpointError, load_checkpoint, START_ANEW
from her_ros.runtime.errors import HerRosError, one_line
import torch
from torch import Tensor

_LONGEST_REASON = 200

#: form of the names and digests of the bags that were read
LOG_FORM = [(str, str)]


def check_form(path: Path, state: Any, form: Any) -> None:
    """
    Check the keys, types and shapes of a state.

    A form is one of these: a dictionary of forms, for these keys and no others; ``[form]``, for a
    list of any length; a tuple of forms, for a list of that length; a tensor, for others of its
    type and shape; a generator, for a state that it takes; ``bytes``, for a tensor of them;
    ``int`` or ``float``, for finite numbers that are not negative; another type.

    :param path: of the checkpoint
    :param state: what it holds
    :raises CheckpointError: naming the first part that does not have its form
    """
    try:
        _check(state, form, '')
    except _WrongForm as difference:
        reason = one_line(difference)[:_LONGEST_REASON]
        raise CheckpointError(
            f'written by another version or program, or with other parameters ({reason})',
            START_ANEW,
            source=path,
        ) from None


def load_log(path: Path) -> list[tuple[str, str]]:
    """
    Read the log of a checkpoint: names and digests of the bags read, in order.

    :raises CheckpointError: if the file cannot be read, or has no log
    """
    state = load_checkpoint(path)
    log = {key: state[key] for key in ('log',) if key in state}
    check_form(path, log, {'log': LOG_FORM})
    return [(name, digest) for name, digest in state['log']]


class _WrongForm(HerRosError):
    """A part that does not have its form."""


def _check(found: Any, form: Any, name: str) -> None:
    if isinstance(form, dict):
        _require(isinstance(found, dict), name, found, 'a dictionary')
        for key in [*form, *found]:
            if key not in found or key not in form:
                state = 'unknown' if key in found else 'missing'
                raise _WrongForm(f'{name}/{key}'.lstrip('/') + f' is {state}')
            _check(found[key], form[key], f'{name}/{key}')
    elif isinstance(form, list | tuple):
        _require(isinstance(found, list | tuple), name, found, 'a list')
        forms = form * len(found) if isinstance(form, list) else form
        _require(len(found) == len(forms), name, found, f'a list of {len(forms)}')
        for number, (part, its_form) in enumerate(zip(found, forms, strict=True)):
            _check(part, its_form, f'{name}/{number}')
    elif isinstance(form, Tensor):
        fits = _is_tensor(found, form.dtype) and found.shape == form.shape
        _require(fits, name, found, _described(form))
    elif form is bytes:
        _require(_is_bytes(found), name, found, 'a tensor of bytes')
    elif isinstance(form, torch.Generator):
        _require(_takes(form, found), name, found, f'the state of a generator on {form.device}')
    else:
        _require(_is_of_type(found, form), name, found, form.__name__)


def _require(fits: bool, name: str, found: Any, expected: str) -> None:
    if not fits:
        raise _WrongForm(f'{name.lstrip("/")} is {_described(found)} instead of {expected}')


def _is_tensor(found: Any, dtype: torch.dtype) -> bool:
    return isinstance(found, Tensor) and found.dtype == dtype and found.layout == torch.strided


def _is_bytes(found: Any) -> bool:
    return _is_tensor(found, torch.uint8) and found.ndim == 1


def _is_of_type(found: Any, form: type) -> bool:
    if form not in (int, float):
        return isinstance(found, form)
    if isinstance(found, bool) or not isinstance(found, int | form):
        return False
    return 0 <= found < math.inf


def _takes(generator: torch.Generator, state: Any) -> bool:
    if not _is_bytes(state):
        return False
    try:
        torch.Generator(generator.device).set_state(state)
    except RuntimeError:  # of another size, or of another kind of generator
        return False
    return True


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f'{value.dtype} of shape {tuple(value.shape)}'
    if isinstance(value, dict | list | tuple):
        return f'{type(value).__name__} of {len(value)}'
    return repr(value) if isinstance(value, bool | int | float) else type(value).__name__
