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

"""The tidy table of an experiment, and statistics computed from it."""

from collections.abc import Iterable, Sequence
import csv
from dataclasses import asdict, dataclass, fields
from io import StringIO
import math
from pathlib import Path
from typing import Any, get_type_hints

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import write_whole
from her_ros.runtime.states import Outcome
from her_ros.tasks.registry import task_named
import numpy as np
from numpy.typing import NDArray


class ResultsError(HerRosError):
    """A table of results that cannot be read."""


@dataclass(frozen=True)
class Row:
    """An evaluation in a run of an experiment."""

    experiment: str
    task: str
    #: name of the variant, in a column that keeps its first name
    arm: str
    seed: int
    #: end of the whole run: ``solved`` or ``limit``
    outcome: str
    env_steps: int
    #: collected until then
    episodes: int
    updates: int
    #: of the run until the evaluated policy was chosen, seconds; runs beside it make it longer
    wall_s: float
    success: float
    #: number of episodes of the evaluation
    judged_episodes: int


def rows_of(experiment: str, variant: str, result: dict[str, Any]) -> list[Row]:
    """Convert the ``result.json`` of a run into rows."""
    length = task_named(result['task']).episode_length
    return [
        Row(
            experiment=experiment,
            task=result['task'],
            arm=variant,
            seed=result['seed'],
            outcome=result['outcome'],
            env_steps=each['env_steps'],
            # No simulated task ends an episode early.
            episodes=each['env_steps'] // length,
            updates=each['updates'],
            wall_s=each['wall_s'],
            success=each['success_rate'],
            judged_episodes=each['episodes'],
        )
        for each in result['evaluations']
    ]


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV."""
    text = StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Row)], lineterminator='\n')
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_whole(path, text.getvalue().encode())


def read_table(path: Path) -> list[Row]:
    """
    Read a table that :func:`write_table` wrote.

    :raises ResultsError: if it is no such table, or is empty
    """
    types = get_type_hints(Row)
    try:
        with path.open(newline='', encoding='utf-8') as file:
            lines = list(csv.DictReader(file, strict=True))
        rows = [Row(**{name: kind(line[name]) for name, kind in types.items()}) for line in lines]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ResultsError(
            f'not a table of results ({error!r})', 'name one of her-ros experiment', path
        ) from None
    if not rows:
        raise ResultsError(
            'no evaluations', 'wait until a run of the experiment has finished', path
        )
    return rows


@dataclass(frozen=True)
class Curve:
    """Learning curve of one run."""

    seed: int
    #: env steps of its evaluations, increasing, shape (n,)
    env_steps: NDArray[np.int64]
    #: their success rates, shape (n,)
    success: NDArray[np.float64]
    #: whether the run ended because it was good enough, rather than at its limit
    solved: bool = False

    def steps_to(self, success: float) -> float:
        """Return the env steps of the first evaluation with this success; inf if there is none."""
        reached = np.flatnonzero(self.success >= success)
        return float(self.env_steps[reached[0]]) if len(reached) else np.inf


def curves(rows: Iterable[Row]) -> dict[str, list[Curve]]:
    """Return the learning curves of every variant, in the order of the table."""
    found: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        found.setdefault(row.arm, {}).setdefault(row.seed, []).append(row)
    return {
        variant: [
            Curve(
                seed,
                np.array([row.env_steps for row in own]),
                np.array([row.success for row in own]),
                own[-1].outcome == Outcome.SOLVED,
            )
            for seed, own in seeds.items()
        ]
        for variant, seeds in found.items()
    }


@dataclass(frozen=True)
class Spread:
    """Success over env steps of all seeds of a variant; all of shape (n,)."""

    env_steps: NDArray[np.float64]
    median: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


def spread(of: Sequence[Curve], points: int = 200) -> Spread:
    """
    Interpolate the curves of a variant on one grid, which begins when all runs were evaluated.

    The grid ends with the longest run. A run that ended earlier keeps its last success rate.
    """
    first = max(curve.env_steps[0] for curve in of)
    last = max(curve.env_steps[-1] for curve in of)
    grid = np.linspace(first, last, points)
    each = np.array([np.interp(grid, curve.env_steps, curve.success) for curve in of])
    return Spread(grid, np.median(each, 0), each.min(0), each.max(0))


def median_steps(of: Sequence[Curve], success: float) -> float:
    """Return the median env steps to a success rate; inf if half of the runs never reached it."""
    steps = sorted(curve.steps_to(success) for curve in of)
    middle = len(steps) // 2
    # np.median makes NaN of two infinities.
    return steps[middle] if len(steps) % 2 else steps[middle - 1] / 2 + steps[middle] / 2


def speed_up(
    reference: Sequence[Curve], of: Sequence[Curve], success: float
) -> tuple[float, bool]:
    """
    Compare how soon two variants reach a success rate, by their median env steps.

    :return: speed-up over the reference, NaN if unknown; and whether it is only a lower bound,
        because the reference never reached the success rate
    """
    own, other = median_steps(of, success), median_steps(reference, success)
    if np.isinf(own):
        return np.nan, False
    if np.isfinite(other):
        return other / own, False
    if any(curve.solved and np.isinf(curve.steps_to(success)) for curve in reference):
        # It stopped early, so it is unknown when it would have reached the success rate.
        return np.nan, False
    # A run that never reached it could have done so at its end at the earliest.
    earliest = [min(curve.steps_to(success), curve.env_steps[-1]) for curve in reference]
    bound = float(np.median(earliest)) / own
    return (bound, True) if bound > 1.0 else (np.nan, False)


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % confidence interval of a success rate (Wilson 1927)."""
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (centre - spread) / scale, (centre + spread) / scale
