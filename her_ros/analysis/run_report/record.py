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

"""Record of a run: safety, parameters, versions, digests, and the command for it."""

from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
import os
import platform
import shlex
from typing import Any

from her_ros.analysis.run_report.page import reason_of, Section, section, Table
from her_ros.analysis.run_report.source import RunSource
from her_ros.config.files import complete, differences, NodesValues, read_file, shipped_file
from her_ros.episodes.episode import Episode
from her_ros.runtime.errors import HerRosError
import numpy as np

_PACKAGES = ('her_ros', 'mujoco', 'gymnasium-robotics', 'torch', 'numpy', 'onnx', 'onnxruntime')
# Values of actions from here on count as being at the limit of 1.
_FULL = 0.999
# Nodes that no training starts.
_OF_ROBOTS = ('robot_bridge.', 'simulated_robot.')
_ORIGIN = 'Origin'


def safety_section(of: RunSource) -> Section:
    """Show how often actions were at their limits."""
    return section('Safety', lambda: _safety(of))


def _safety(of: RunSource) -> Section:
    rows = [_limits('the best policy, as evaluated', of.evaluated_episodes)]
    missing = []
    try:
        last = [each for rollout in of.rollouts[-5:] for each in rollout]
        rows.append(_limits('with exploration, in the last rollouts read', last))
    except Exception:  # they are missing, or damaged; the rest of the section stays
        missing.append('The rollouts of training cannot be read.')
    missing.append(
        'Interventions of the safety filter are not recorded: the simulation of a training has no'
        ' filter. On a robot the policy node counts them in its diagnostics.'
    )
    head = ('episodes', 'values of actions at ±1', 'largest change from one action to the next')
    return Section('Safety', tables=[Table(head, rows)], missing=missing)


def _limits(name: str, episodes: Sequence[Episode]) -> tuple[str, str, str]:
    clipped = np.mean([float((np.abs(each.action) >= _FULL).mean()) for each in episodes])
    changes = [float(np.abs(np.diff(each.action, axis=0)).max(initial=0.0)) for each in episodes]
    return name, f'{clipped:.0%}', f'{max(changes):.2f} (median {np.median(changes):.2f})'


def parameters_section(of: RunSource) -> Section:
    """Show which parameters differ from the file that is shipped for the task."""
    return section('Parameters', lambda: _parameters(of))


def _parameters(of: RunSource) -> Section:
    changed = changes(of)
    if not changed:
        text = f'All parameters are those of the file that is shipped for {of.task.name}.'
        return Section('Parameters', [text])
    rows = [(name, str(old), str(new)) for name, old, new in changed]
    return Section('Parameters', tables=[Table(('parameter', 'shipped', 'this run'), rows)])


def changes(of: RunSource) -> list[tuple[str, Any, Any]]:
    """Return the parameters of a training that differ: name, shipped value, value of the run."""
    shipped = complete(read_file(shipped_file(of.task.name)))
    changed = [
        each
        for each in differences(shipped, of.values)
        if not each.name.startswith(_OF_ROBOTS)
        # A training from bags starts no nodes, and has the trainer's parameters alone.
        and (each.name.startswith('trainer.') or not of.is_offline)
    ]
    return [tuple(each) for each in changed]


def compared_parameters(runs: Sequence[RunSource]) -> Section:
    """Show the parameters in which several runs differ from each other."""
    return section('Parameters that differ', lambda: _compared_parameters(runs))


def _compared_parameters(runs: Sequence[RunSource]) -> Section:
    values = [_flat(run.values) for run in runs]
    names = [
        name
        for name in values[0]
        if any(other.get(name) != values[0][name] for other in values[1:])
    ]
    if not names:
        return Section('Parameters that differ', ['All parameters are the same.'])
    rows = [(name, *(str(each.get(name)) for each in values)) for name in names]
    return Section(
        'Parameters that differ', tables=[Table(('', *(run.name for run in runs)), rows)]
    )


def _flat(values: NodesValues) -> dict[str, Any]:
    return {f'{node}.{name}': value for node, own in values.items() for name, value in own.items()}


def origin_section(of: RunSource, thorough: bool) -> Section:
    """
    Show seeds, digests and versions, and the command that repeats the run.

    :param thorough: whether to read the checkpoint, which loads torch
    """
    return section(_ORIGIN, lambda: _origin(of, thorough))


def _origin(of: RunSource, thorough: bool) -> Section:
    rows = [
        ('run', of.folder.identity or 'without an id'),
        ('folder', str(of.folder.path)),
        ('seed', str(of.seed)),
        ('SHA-256 of policy.onnx', of.policy_sha256 if of.folder.policy.exists() else 'none yet'),
        *written_with(),
    ]
    if thorough and of.folder.checkpoint.exists():
        rows.append(('SHA-256 of its bags', _digest_of_bags(of)))
    text = [
        'The command below trains with the same parameters again. Its numbers may differ: several'
        ' processes share the work, and the order of their messages is not fixed.'
    ]
    try:
        return Section(_ORIGIN, text, tables=[Table((), rows)], commands=[repeat_command(of)])
    except HerRosError as error:
        missing = [f'The command that repeats the run is left out: {reason_of(error)}']
        return Section(_ORIGIN, tables=[Table((), rows)], missing=missing)


def _digest_of_bags(of: RunSource) -> str:
    # Only now: reading a checkpoint loads torch.
    from her_ros.analysis.card import bags_digest
    from her_ros.learning.training.checkpoint_form import load_log

    try:
        log = load_log(of.folder.checkpoint)
    except HerRosError as error:
        return f'left out: {reason_of(error)}'
    return f'{bags_digest(log)} ({len(log):,} bags)'


def written_with() -> list[tuple[str, str]]:
    """Return rows that name the versions and the machine that a page is written with."""
    python = f'{platform.python_implementation()} {platform.python_version()}'
    machine = f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores'
    return [
        ('report written with', ', '.join(map(_version, _PACKAGES))),
        ('on', f'{python}, {machine}'),
    ]


def _version(package: str) -> str:
    try:
        return f'{package} {version(package)}'
    except PackageNotFoundError:
        return f'{package} (not installed)'


def repeat_command(of: RunSource) -> str:
    """Return the command that trains with the parameters of a run again."""
    if of.is_offline:
        words = ['her-ros', 'train-offline', 'BAGS', '--updates', str(of.progress.updates)]
        words += ['--evaluate'] if of.progress.evaluations else []
    else:
        words = ['her-ros', 'train', '--task', of.task.name, '--new']
    words += ['--seed', str(of.seed), *(['--arm', of.arm] if of.arm else [])]
    return shlex.join([*words, *set_options((name, value) for name, _, value in changes(of))])


def set_options(values: Iterable[tuple[str, Any]]) -> list[str]:
    """Return the words of a command that set parameters; seed and arm have their own options."""
    words = []
    for name, value in values:
        if not name.endswith(('.seed', '.arm')):
            text = str(list(value)) if isinstance(value, list | tuple) else _yaml(value)
            words += ['--set', f'{name}={text}']
    return words


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
