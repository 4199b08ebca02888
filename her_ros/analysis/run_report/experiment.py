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

"""The page of an experiment: how its variants compare."""

from pathlib import Path

from her_ros.analysis.experiments import Experiment
from her_ros.analysis.plots import draw_curves
from her_ros.analysis.report import described, explanations, HEAD, TABLE, variant_rows
from her_ros.analysis.results import curves, read_table
from her_ros.analysis.run_report.experiment_record import (
    experiment_origin,
    parameters_of_variants,
    runs_of,
)
from her_ros.analysis.run_report.page import Page, picture, render, Section, Table
from her_ros.runtime.files import write_whole


def is_experiment(folder: Path) -> bool:
    """Whether a folder holds the results of an experiment."""
    return (folder / TABLE).exists()


def write_experiment_report(folder: Path, out: Path) -> Path:
    """
    Write the page of an experiment from its table of results; return its file.

    :raises HerRosError: if the table cannot be read, or the page cannot be written
    """
    rows = read_table(folder / TABLE)
    variants, task = curves(rows), rows[0].task
    experiment = described(folder, rows[0].experiment)
    runs = runs_of(folder, rows)
    of_curves, of_table = explanations(rows, variants, experiment)
    table = Table(HEAD, variant_rows(variants, task, experiment))
    sections = [
        Section(
            'Learning curves', pictures=[picture(lambda: draw_curves(variants, ''), of_curves)]
        ),
        Section('Results', of_table.split('\n\n'), tables=[table]),
        *([_variants(experiment)] if experiment else []),
        parameters_of_variants(runs),
        experiment_origin(folder, rows, experiment, runs),
    ]
    question = f'Compared: {experiment.question}.' if experiment else str(folder)
    page = Page(f'{rows[0].experiment}, {task}', question, [], sections)
    write_whole(out, render(page).encode())
    return out


def _variants(experiment: Experiment) -> Section:
    rows = [
        (each.name, ', '.join(each.overrides) or 'as the task’s parameter file has it')
        for each in experiment.variants
    ]
    return Section('Variants', tables=[Table(('variant', 'its parameters'), rows)])
