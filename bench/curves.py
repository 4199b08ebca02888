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

"""
Learning curves: from runs into one small table, and from the table into pictures.

Run: ``python bench/curves.py add runs/FetchPush/run_001 …``, then ``reached`` prints when they
reached what, and ``draw`` draws.
"""

from collections import defaultdict
from collections.abc import Iterable
import csv
from pathlib import Path
from statistics import median

from her_ros.config.files import read_run_file
from her_ros.learning.training.checkpoint import load_checkpoint
import numpy as np
from options import Options
from table import print_table

DOCS = Path(__file__).parent.parent / 'docs'
TABLE, PICTURE = DOCS / 'curves.csv', DOCS / 'curves.svg'
COLUMNS = ('task', 'seed', 'env_steps', 'updates', 'wall_s', 'success_rate')
# What is worth knowing when it was reached.
SUCCESSES = {
    'FetchReach': (0.99,),
    'FetchPush': (0.95, 0.98),
    'FetchPickAndPlace': (0.9, 0.97),
    'FetchSlide': (0.6, 0.75),
}
# Evaluations in a row that count as having reached a success rate.
IN_A_ROW = 3

Row = dict[str, str]


def read() -> list[Row]:
    """Return the rows of the table."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline='') as file:
        return list(csv.DictReader(file))


def add(runs: Iterable[Path]) -> None:
    """Put the evaluations of runs into the table; a task and seed that is there is replaced."""
    rows = read()
    for run in runs:
        task, seed, evaluations = evaluations_of(run)
        rows = [row for row in rows if (row['task'], row['seed']) != (task, seed)]
        rows += [
            {'task': task, 'seed': seed, **{name: str(e[name]) for name in COLUMNS[2:]}}
            for e in evaluations
        ]
    rows.sort(key=lambda row: (row['task'], int(row['seed']), int(row['env_steps'])))
    with TABLE.open('w', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)


def evaluations_of(run: Path) -> tuple[str, str, list[dict[str, float]]]:
    """Return task, seed and evaluations of a run, also of one that was stopped."""
    values = read_run_file(run / 'params.yaml')['trainer']
    evaluations = load_checkpoint(run / 'checkpoint')['evaluations']
    return values['task'], str(values['seed']), evaluations


def curves(rows: Iterable[Row]) -> dict[str, dict[str, np.ndarray]]:
    """Return env steps, wall clock in s and success rate, shape (n, 3), by task and seed."""
    found: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        point = tuple(float(row[name]) for name in ('env_steps', 'wall_s', 'success_rate'))
        found[row['task']][row['seed']].append(point)
    return {
        task: {seed: np.array(points) for seed, points in seeds.items()}
        for task, seeds in found.items()
    }


def reached(curve: np.ndarray, success: float) -> tuple[float, float] | None:
    """Return env steps and seconds at the first of so many evaluations in a row; None: never."""
    enough = curve[:, 2] >= success
    for i in range(len(enough) - IN_A_ROW + 1):
        if enough[i:][:IN_A_ROW].all():
            return curve[i, 0], curve[i, 1]
    return None


def print_reached() -> None:
    """Print when success rates were reached: the median of the seeds, and each."""
    rows = []
    for task, seeds in curves(read()).items():
        for success in SUCCESSES[task]:
            found = [reached(curve, success) for curve in seeds.values()]
            hits = [hit for hit in found if hit is not None]
            steps, seconds = (
                # A seed that never got there counts as later than all others.
                median([*(hit[i] for hit in hits), *[float('inf')] * (len(found) - len(hits))])
                for i in (0, 1)
            )
            each = ', '.join(f'{hit[0]:,.0f} in {hit[1]:.0f} s' if hit else '–' for hit in found)
            rows.append((f'{task} {success}', len(seeds), steps, seconds, each))
    print_table('task, success', ('seeds', 'env steps', 'seconds', 'each seed'), rows)


def draw() -> None:
    """Draw success over env steps and over wall clock: every seed, and the median of them."""
    import matplotlib

    matplotlib.use('svg')
    from matplotlib import pyplot

    matplotlib.rcParams['svg.hashsalt'] = 'her_ros'  # the same table gives the same file
    tasks = curves(read())
    figure, axes = pyplot.subplots(
        2, len(tasks), figsize=(3.2 * len(tasks), 5), squeeze=False, sharey=True, layout='tight'
    )
    for column, (task, seeds) in enumerate(tasks.items()):
        for row, (scale, unit) in enumerate(((1e-3, '1,000 env steps'), (1 / 60, 'minutes'))):
            axis = axes[row][column]
            for curve in seeds.values():
                axis.plot(scale * curve[:, row], curve[:, 2], color='C0', alpha=0.35, marker='.')
            # The median is drawn as far as every seed goes.
            first = max(curve[0, row] for curve in seeds.values())
            last = min(curve[-1, row] for curve in seeds.values())
            grid = np.linspace(first, last, 200)
            each = [np.interp(grid, curve[:, row], curve[:, 2]) for curve in seeds.values()]
            axis.plot(scale * grid, np.median(each, 0), color='C0', linewidth=2)
            axis.set_xlabel(unit)
            axis.set_ylim(0, 1.03)
            axis.grid(alpha=0.3)
        axes[0][column].set_title(f'{task}, {len(seeds)} seeds')
    for row in axes:
        row[0].set_ylabel('success of 100 episodes')
    figure.savefig(PICTURE, metadata={'Date': None})


def main() -> None:
    parser = Options(__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('add').add_argument('runs', nargs='+', type=Path)
    commands.add_parser('reached')
    commands.add_parser('draw')
    options = parser.parse_args()
    if options.command == 'add':
        add(options.runs)
    elif options.command == 'reached':
        print_reached()
    else:
        draw()


if __name__ == '__main__':
    main()
