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
Success of policies over the strength of all disturbances together, as a table and a picture.

All policies and strengths get the same start states.

Run: ``python bench/strengths.py models/FetchPush models/FetchPush_robust --out FILE.svg``
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from her_ros.analysis.results import wilson_interval
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.registry import task_named
import numpy as np
from options import Options, whole
from table import print_table

STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0)


def successes(model: Path, task_name: str, disturb: str, episodes: int) -> list[int]:
    """Return the successful episodes of a policy at each strength."""
    task = task_named(task_name)
    policy = OnnxPolicy.load(model / 'policy.onnx', task)
    protocol = EvaluationProtocol(episodes=episodes)
    found = []
    for strength in STRENGTHS:
        disturbances = parse_disturbances(f'{disturb}:{strength:g}' if strength else '')
        steps = evaluation_steps(task, policy.act, policy.version, protocol, disturbances)
        found.append(sum(int(rows['is_success'][rows['truncated'] != 0].sum()) for rows in steps))
        print(f'{model.name}, strength {strength:g}: {found[-1]} of {episodes}', flush=True)
    return found


def draw(found: Mapping[str, Sequence[int]], episodes: int, disturb: str, out: Path) -> None:
    """Draw success over strength, with 95 % intervals."""
    import matplotlib

    matplotlib.use('svg')
    from matplotlib import pyplot

    matplotlib.rcParams['svg.hashsalt'] = 'her_ros'  # the same figures give the same file
    figure, axis = pyplot.subplots(figsize=(4.2, 3), layout='tight')
    for name, counts in found.items():
        intervals = np.array([wilson_interval(each, episodes) for each in counts])
        axis.plot(STRENGTHS, np.array(counts) / episodes, marker='.', label=name)
        axis.fill_between(STRENGTHS, *intervals.T, alpha=0.2)
    axis.set_xlabel(f'strength of `{disturb}`')
    axis.set_ylabel(f'success of {episodes} episodes')
    axis.set_ylim(0, 1.03)
    axis.grid(alpha=0.3)
    axis.legend(loc='lower left')
    figure.savefig(out, metadata={'Date': None})


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('models', nargs='+', type=Path, help='folders with a policy.onnx')
    parser.add_argument('--task', default='FetchPush')
    parser.add_argument('--disturb', default='robot', help='a set of disturbances')
    parser.add_argument('--episodes', type=whole(1), default=400)
    parser.add_argument('--out', type=Path, required=True, help='.svg file')
    options = parser.parse_args()
    found = {
        model.name: successes(model, options.task, options.disturb, options.episodes)
        for model in options.models
    }
    rows = [
        (name, *(each / options.episodes for each in counts)) for name, counts in found.items()
    ]
    print_table(options.disturb, tuple(f'{each:g}' for each in STRENGTHS), rows)
    draw(found, options.episodes, options.disturb, options.out)


if __name__ == '__main__':
    main()
