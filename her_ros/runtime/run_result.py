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

"""Read and check ``result.json``, the result of a finished run."""

import json
from pathlib import Path
from typing import Any

from her_ros.runtime.files import require_regular
from her_ros.runtime.run_folder import RunFolderError
from her_ros.runtime.states import Outcome

# Largest result, bytes; a thousand evaluations take 0.3 MB.
_MAX_BYTES = 1 << 24
_NUMBER, _RATE = (int, float), (int, float, type(None))
_TYPES = {
    'task': str,
    'outcome': str,
    'success_rate': _RATE,
    'best_success_rate': _RATE,
    'env_steps': int,
    'episodes': int,
    'updates': int,
    'wall_s': _NUMBER,
    'seed': int,
    'evaluations': list,
}
_EVALUATION_TYPES = {
    'sha256': str,
    'env_steps': int,
    'updates': int,
    'wall_s': _NUMBER,
    'episodes': int,
    'success_rate': _NUMBER,
}


def read_result(path: Path) -> dict[str, Any]:
    """
    Read a ``result.json``.

    :raises RunFolderError: if it cannot be read, or is not what training writes
    """
    try:
        require_regular(path)
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise ValueError(f'{size} bytes; at most {_MAX_BYTES} are read')
        result: dict[str, Any] = json.loads(path.read_text('utf-8'))
        _check(result, _TYPES)
        for each in result['evaluations']:
            _check(each, _EVALUATION_TYPES)
    except (OSError, ValueError, RecursionError) as error:
        reason = 'nested too deeply' if isinstance(error, RecursionError) else error
        raise RunFolderError(
            f'not a readable result ({reason})', 'without the file the run goes on', source=path
        ) from None
    return result


def is_solved(result: dict[str, Any]) -> bool:
    """Tell whether a run solved its task, instead of reaching its limit first."""
    return bool(result['outcome'] == Outcome.SOLVED)


def _check(values: Any, types: dict[str, Any]) -> None:
    if not isinstance(values, dict):
        raise ValueError(f'{type(values).__name__} instead of an object')
    for name, wanted in types.items():
        if name not in values:
            raise ValueError(f'no {name}')
        if not isinstance(values[name], wanted):
            raise ValueError(f'{name} is a {type(values[name]).__name__}')
