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
Compare the time of an update with each member of the HER family to plain HER.

An update is all that belongs to it, as in ``bench/learner.py``: FetchPush, three hidden layers of
64, batches of 256, one thread. Members take turns, first uncompiled, then compiled, as they are in
runs of more than some thousand updates.

Run: ``python bench/family.py [--rounds 20] [--updates 20]``
"""

from collections.abc import Callable
from statistics import median
from typing import Any

from her_ros.learning.learner import Learner, LearnerError, set_up_torch
from options import Options, whole
from replay import filled_learner, SYMMETRIES
from table import in_turn, print_figures, print_table
import torch

STEPS = 100_000
PLAIN = 'HER'
#: what differs from plain HER
MEMBERS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    'no HER': {'her_k': 0},
    'final': {'her_strategy': 'final'},
    'random': {'her_strategy': 'random'},
    'past goals': {'her_past_goal_k': 2},
    'moved share': {'motion_fraction': 0.6},
    'TD error': {'priority_kind': 'td_error'},
    'energy': {'priority_kind': 'energy'},
    'curriculum': {'curriculum_enabled': True},
    'symmetries': SYMMETRIES,
    'two critics': {'critic_count': 2},
    'TD3': {'agent': 'td3', 'critic_count': 2},
    'SAC': {'agent': 'sac', 'critic_count': 2},
}


def learners() -> dict[str, Learner]:
    return {
        name: filled_learner(STEPS, hidden_sizes=(64, 64, 64), batch_size=256, **values)
        for name, values in MEMBERS.items()
    }


def measure(members: dict[str, Learner], rounds: int, updates: int) -> dict[str, float]:
    """Return the microseconds per update."""

    def some(learner: Learner) -> Callable[[], object]:
        return lambda: learner.update(updates)

    times = in_turn({name: some(learner) for name, learner in members.items()}, rounds)
    return {name: 1e6 * median(each) / updates for name, each in times.items()}


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=20)
    parser.add_argument('--updates', type=whole(1), default=20, help='per round')
    options = parser.parse_args()
    set_up_torch(threads=1)
    # Every member is compiled from the same functions, once each.
    torch._dynamo.config.recompile_limit = 4 * len(MEMBERS)
    members = learners()
    found = {'µs': measure(members, options.rounds, options.updates)}
    try:
        for learner in members.values():
            learner.compile()
        found['µs, compiled'] = measure(members, options.rounds, options.updates)
    except LearnerError as error:
        print(f'not measured, compiled: {error}')
    columns = [column for each in found for column in (each, 'of plain HER')]
    rows = [
        (
            name,
            *(
                value
                for each in found.values()
                for value in (each[name], each[name] / each[PLAIN])
            ),
        )
        for name in MEMBERS
    ]
    print_table(f'one update, 3×64, {STEPS:,} transitions stored', columns, rows)
    *_, (kind, last) = found.items()
    prefix = 'compiled_' if 'compiled' in kind else ''
    names = {name: name.lower().replace(' ', '_') for name in MEMBERS}
    print_figures(
        **{f'{prefix}{names[name]}_vs_her': last[name] / last[PLAIN] for name in MEMBERS}
    )


if __name__ == '__main__':
    main()
