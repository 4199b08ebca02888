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

"""Rows, observations, the policy file and the run folder, as Markdown."""

from collections.abc import Iterable
import dataclasses
from pathlib import Path

from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire import contract
from her_ros.wire.rows import action_dtype, disturbed_step_dtype, step_dtype
import numpy as np

_RUN_FILES = {
    'bags': 'one finished `.mcap` file per rollout',
    'evaluation': 'one `.mcap` file per evaluated policy version',
    'log': 'output of every node',
    'tensorboard': 'curves; `tensorboard --logdir runs`',
    'checkpoint': 'all that resuming needs: networks, optimizers, normalizers, random states,'
    ' the list of bags read',
    'policy': 'the best policy evaluated so far',
    'params': 'the complete parameters of the run',
    'join': 'what workers on other machines need to join the run; written at each start',
    'result': 'outcome, success rates and counts; appears when the run has finished',
}


def rows() -> str:
    """Describe the fields of ``step`` and ``action``: types, and sizes for each task."""
    step = [step_dtype(task) for task in TASKS.values()]
    disturbed = [disturbed_step_dtype(task) for task in TASKS.values()]
    action = [action_dtype(task) for task in TASKS.values()]
    plain = step[0].names or ()
    truth = [name for name in disturbed[0].names or () if name not in plain]
    return '\n'.join(
        [
            *_fields('Fields of `step`', step, plain),
            *_fields('Further fields of disturbed `step` rows', disturbed, truth),
            *_fields('Fields of `action`', action, action[0].names or ()),
        ]
    )


def _fields(title: str, dtypes: list[np.dtype], names: Iterable[str]) -> list[str]:
    lines = [f'### {title}', '', '| field | type | values per row |', '|---|---|---|']
    for name in names:
        kinds = [(dtype.fields or {})[name][0] for dtype in dtypes]
        lines.append(f'| `{name}` | {kinds[0].base.name} | {_sizes(kinds)} |')
    return [*lines, '']


def _sizes(kinds: list[np.dtype]) -> str:
    sizes = [kind.shape[0] if kind.shape else 1 for kind in kinds]
    if len(set(sizes)) == 1:
        return str(sizes[0])
    by_size: dict[int, list[str]] = {}
    for task, size in zip(TASKS, sizes, strict=True):
        by_size.setdefault(size, []).append(task)
    return '; '.join(f'{size} ({", ".join(names)})' for size, names in by_size.items())


def observations() -> str:
    """Describe what an observation holds, for each task with a field list of its own."""
    by_fields: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for name in TASKS:
        by_fields.setdefault(tuple(task_named(name).observation_fields), []).append(name)
    lines = []
    for fields, names in by_fields.items():
        lines += [f'### {", ".join(names)}', '', '| field | values |', '|---|---|']
        lines += [*(f'| `{name}` | {size} |' for name, size in fields), '']
    return '\n'.join(lines)


def policy_file() -> str:
    """Describe inputs, output and metadata of a policy file."""
    sizes = {'observation': 'O', 'achieved_goal': 'G', 'desired_goal': 'G'}
    lines = ['| tensor | type | shape |', '|---|---|---|']
    lines += [f'| input `{name}` | float32 | (n, {sizes[name]}) |' for name in contract.INPUTS]
    lines += [f'| output `{contract.OUTPUT}` | float32 | (n, A) |', '']
    lines += [
        f'The metadata entry `{contract.METADATA_KEY}` is a JSON object with these keys'
        f' (format {contract.FORMAT}):',
        '',
    ]
    fields = dataclasses.fields(contract.PolicyContract)
    lines.append(', '.join(f'`{each.name}`' for each in fields) + '.')
    return '\n'.join(lines)


def run_folder() -> str:
    """List what lies in the folder of a run."""
    root = Path('run')
    folder = RunFolder(root)
    lines = ['| path | content |', '|---|---|']
    for name, path in vars(folder).items():
        if not name.startswith('_') and name != 'path':
            lines.append(f'| `{Path(path).name}` | {_RUN_FILES[name]} |')
    return '\n'.join(lines)
