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

"""Record of an experiment: parameters, seeds, versions, digests, and the command for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
import shlex
from typing import Any

from her_ros.analysis.experiment_file import EXPERIMENT_FILE
from her_ros.analysis.experiments import Experiment, Variant
from her_ros.analysis.report import TABLE
from her_ros.analysis.results import Row
from her_ros.analysis.run_report.page import Section, section, Table
from her_ros.analysis.run_report.record import changes, set_options, written_with
from her_ros.analysis.run_report.source import RunSource
from her_ros.runtime.files import sha256
from her_ros.runtime.run_folder import RunFolder

_PARAMETERS, _ORIGIN = 'Parameters', 'Origin'


def runs_of(folder: Path, rows: Sequence[Row]) -> dict[str, list[RunSource]]:
    """Find the runs of a table that are still there: by variant, in the order of their seeds."""
    found: dict[str, list[RunSource]] = {}
    for row in {(row.arm, row.seed): row for row in rows}.values():
        run = RunFolder(folder / 'runs' / row.task / f'{row.arm}_seed_{row.seed}')
        if run.params.exists():
            found.setdefault(row.arm, []).append(RunSource(run))
    return found


def parameters_of_variants(runs: Mapping[str, Sequence[RunSource]]) -> Section:
    """Show which parameters of a variant differ from the shipped file."""
    return section(_PARAMETERS, lambda: _parameters(runs))


def _parameters(runs: Mapping[str, Sequence[RunSource]]) -> Section:
    if not runs:
        return Section(_PARAMETERS, missing=['The runs are not in this folder.'])
    shipped, changed = _changed(runs)
    if not shipped:
        return Section(_PARAMETERS, ['All parameters are those of the shipped file.'])
    rows = [
        (name, str(value), *(str(own.get(name, value)) for own in changed.values()))
        for name, value in shipped.items()
    ]
    text = ['These differ from the file that is shipped for the task. All else is as in it.']
    return Section(_PARAMETERS, text, tables=[Table(('parameter', 'shipped', *changed), rows)])


def _changed(
    runs: Mapping[str, Sequence[RunSource]],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return shipped values of the parameters that some variant changes, and those of each."""
    shipped: dict[str, Any] = {}
    changed: dict[str, dict[str, Any]] = {}
    for variant, own in runs.items():
        # The seeds of a variant are alike but for the seed itself.
        found = [each for each in changes(own[0]) if not each[0].endswith('.seed')]
        shipped |= {name: old for name, old, _ in found}
        changed[variant] = {name: new for name, _, new in found}
    return shipped, changed


def experiment_origin(
    folder: Path,
    rows: Sequence[Row],
    experiment: Experiment | None,
    runs: Mapping[str, Sequence[RunSource]],
) -> Section:
    """Show seeds, digests and versions, and the command that repeats the experiment."""
    return section(_ORIGIN, lambda: _origin(folder, rows, experiment, runs))


def _origin(
    folder: Path,
    rows: Sequence[Row],
    experiment: Experiment | None,
    runs: Mapping[str, Sequence[RunSource]],
) -> Section:
    entries = [
        ('folder', str(folder)),
        ('seeds', _seeds(rows)),
        (f'SHA-256 of {TABLE}', sha256((folder / TABLE).read_bytes())),
        *written_with(),
    ]
    tables = [Table((), entries)]
    if runs:
        tables.append(Table(('run', 'id', 'SHA-256 of policy.onnx'), [*map(_run, _flat(runs))]))
    if experiment is None:
        missing = [f'The command is left out: no experiment {rows[0].experiment!r} is known.']
        return Section(_ORIGIN, tables=tables, missing=missing)
    text = [
        'The command below makes the experiment again, in a folder of its own. Its numbers may'
        ' differ: the order of messages between processes is not fixed.'
    ]
    missing = [] if runs else [
        'The runs are not in this folder, so the command lacks what was set for all variants.'
    ]  # fmt: skip
    command = repeat_experiment(folder, rows, experiment, runs)
    return Section(_ORIGIN, text, tables=tables, commands=[command], missing=missing)


def _seeds(rows: Sequence[Row]) -> str:
    by_variant: dict[str, set[int]] = {}
    for row in rows:
        by_variant.setdefault(row.arm, set()).add(row.seed)
    texts = {variant: ', '.join(map(str, sorted(seeds))) for variant, seeds in by_variant.items()}
    if len({*texts.values()}) == 1:
        return next(iter(texts.values()))
    return '; '.join(f'{variant}: {seeds}' for variant, seeds in texts.items())


def _flat(runs: Mapping[str, Sequence[RunSource]]) -> list[RunSource]:
    return [run for own in runs.values() for run in own]


def _run(run: RunSource) -> tuple[str, str, str]:
    digest = run.policy_sha256 if run.folder.policy.exists() else 'none'
    return run.folder.path.name, run.folder.identity or 'without an id', digest


def repeat_experiment(
    folder: Path,
    rows: Sequence[Row],
    experiment: Experiment,
    runs: Mapping[str, Sequence[RunSource]],
) -> str:
    """Return the command that makes an experiment again, in a folder of its own."""
    file = folder / EXPERIMENT_FILE
    name = str(file) if file.exists() else experiment.name
    words = ['her-ros', 'experiment', name, '--task', rows[0].task]
    words += ['--seeds', str(max(row.seed for row in rows) + 1)]
    words += ['--out', f'{folder.absolute().name}_again']
    arms = {run.arm for run in _flat(runs)}
    words += ['--arm', *arms] if len(arms) == 1 and '' not in arms else []
    common: dict[str, Any] = {}
    by_name = {variant.name: variant for variant in experiment.variants}
    for variant, changed in _changed(runs)[1].items():
        common |= {
            parameter: value
            for parameter, value in changed.items()
            if variant in by_name and not _is_own(parameter, by_name[variant])
        }
    return shlex.join([*words, *set_options(common.items())])


def _is_own(parameter: str, variant: Variant) -> bool:
    """Tell whether a variant sets a parameter, with or without the name of its node."""
    own = [override.partition('=')[0].strip() for override in variant.overrides]
    return any(parameter == each or parameter.endswith(f'.{each}') for each in own)
