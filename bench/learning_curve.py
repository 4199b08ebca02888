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
Learning curves in one process: simulation and learner take turns, without ROS, topics or bags.

For comparing parameters: success over env steps does not depend on what else the machine does,
and a seed repeats. Parameters are those of ``config/<task>.yaml`` and of the overrides. Each
evaluation adds a line to the table that ``--out`` names, so that what was interrupted is not lost.

Run: ``python bench/learning_curve.py FetchPush --steps 40000 --every 4000 --seeds 0 1 2 --out
curves.csv --label none --set trainer.symmetry.left_right=0.0``
"""

from collections.abc import Iterator
import csv
from pathlib import Path
import time
from typing import Any

from her_ros.config.parameters.nodes import (
    EvaluationProtocol,
    SimEnvParameters,
    TrainerParameters,
)
from her_ros.config.parameters.policy import PolicyParameters
from her_ros.config.run_parameters import values_for
from her_ros.config.schema import configured
from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.learning.learner import Learner, set_up_torch
from her_ros.learning.training.warm_start import warm_start
from her_ros.orchestration.prepare import arm_overrides
from her_ros.policy.exploration import Exploration, Explorer
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.seeds import generator, integer_seed, SIM_ENV_ROLE
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.rollout import disturbed_rollout, Rollout
from her_ros.tasks.disturbances import parse_disturbances
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np
from options import above, Options, SEED, whole

COLUMNS = ('task', 'label', 'seed', 'env_steps', 'updates', 'success_rate', 'moved', 'seconds')


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('task')
    parser.add_argument('--steps', type=whole(1), required=True, help='env steps of a run')
    parser.add_argument(
        '--every', type=whole(1), required=True, help='env steps between evaluations'
    )
    parser.add_argument('--seeds', type=SEED, nargs='+', default=[0])
    parser.add_argument('--out', type=Path, required=True, help='CSV file to add to')
    parser.add_argument('--label', default='shipped', help='what to call these parameters')
    parser.add_argument('--arm', default='', help='arm of an arm task')
    parser.add_argument('--set', action='append', default=[], help='NODE.PARAMETER=VALUE')
    parser.add_argument(
        '--stop', type=above(0.0), default=2.0, help='end a run at this success rate'
    )
    options = parser.parse_args()
    for seed in options.seeds:
        overrides = [*arm_overrides(options.arm), *options.set, f'seed={seed}']
        values = values_for(options.task, None, overrides)
        for point in curve(options.task, values, options.steps, options.every):
            row = dict(task=options.task, label=options.label, seed=seed, **point)
            add(options.out, row)
            print(*row.values(), flush=True)
            if point['success_rate'] >= options.stop:
                break


def curve(name: str, values: Any, steps: int, every: int) -> Iterator[dict[str, float]]:
    """Train; yield what each evaluation showed."""
    begin = time.monotonic()
    trainer = configured(TrainerParameters, 'trainer', values['trainer'])
    acting = configured(PolicyParameters, 'policy', values['policy'])
    env = configured(SimEnvParameters, 'sim_env', values['sim_env'])
    task = task_named(name, env.arm)
    set_up_torch(threads=1)
    learner = Learner(task, trainer)
    warm_start(learner)
    learner_is_compiled = False
    first = integer_seed(trainer.seed, SIM_ENV_ROLE)
    seeds = [first + i for i in range(env.num_envs)]
    disturbances = parse_disturbances(env.disturb, env.disturb_share)
    rollout = disturbed_rollout(task, seeds, 1, session=1, disturbances=disturbances)
    noise = Exploration(
        acting.exploration_noise_std,
        acting.exploration_random_probability,
        acting.exploration_hold_steps,
    )
    explorer = Explorer(noise, task.action_size, generator(trainer.seed, 'policy'))
    disturbances = values['evaluator']['disturb']
    policy, due, moved = None, every, [0.0]
    if trainer.start_from:
        policy = OnnxPolicy(learner.policy(1, {}), 'learner', task)
    while learner.env_steps < steps:
        episodes = explored(rollout, explorer, policy)
        learner.ingest(episodes)
        moved += [has_moved(each, task.goal_tolerance_m) for each in episodes]
        if learner.env_steps < trainer.warm_up_steps:
            continue
        if not learner_is_compiled and steps * trainer.updates_per_step > trainer.compile_after:
            learner.compile()
            learner_is_compiled = True
        learner.update(int(learner.env_steps * trainer.updates_per_step) - learner.updates)
        policy = OnnxPolicy(learner.policy(1, {}), 'learner', task)
        if learner.env_steps >= due:
            due += every
            yield {
                'env_steps': learner.env_steps,
                'updates': learner.updates,
                'success_rate': success_rate(policy, task, disturbances),
                'moved': round(float(np.mean(moved[-200:])), 3),
                'seconds': round(time.monotonic() - begin, 1),
            }


def explored(rollout: Rollout, explorer: Explorer, policy: OnnxPolicy | None) -> list[Episode]:
    """Make one rollout; return its episodes."""
    rows = rollout.start()
    messages = [rows]
    while not rollout.finished:
        actions = None
        if policy is not None:
            goals = (rows['achieved_goal'], rows['desired_goal'])
            actions = policy.act(rows['observation'], *goals)
        explored = explorer.explore(actions, rows['env'], rows['step'] == 0)
        rollout.accept_all(explored, policy is not None)
        rows = rollout.advance()
        messages.append(rows)
    return split_rollout(messages)[0]


def has_moved(episode: Episode, tolerance_m: float) -> bool:
    """Tell whether the achieved goal left where it was at first."""
    distance = np.linalg.norm(episode.achieved_goal - episode.achieved_goal[0], axis=1)
    return bool(distance.max() > tolerance_m)


def success_rate(policy: OnnxPolicy, task: GoalTask, disturb: str = '') -> float:
    """Evaluate a policy as the evaluator node does."""
    disturbances = parse_disturbances(disturb)
    episodes, _ = split_rollout(
        [*evaluation_steps(task, policy.act, 1, EvaluationProtocol(threads=1), disturbances)]
    )
    return sum(each.is_success for each in episodes) / len(episodes)


def add(path: Path, row: dict[str, Any]) -> None:
    """Add a line to a table."""
    is_new = not path.exists()
    with path.open('a', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == '__main__':
    main()
