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
Measure how many FetchSlide start states can be solved at all.

A success rate below 1.0 is the policy's fault only if the missed goals can be reached. For each
start state that a policy misses, this searches for one scripted strike that reaches the goal in
the true simulation: the gripper rises, moves behind the puck, comes down, moves through the puck
at constant speed, and stops. Five numbers describe a strike: direction, run-up, lateral offset,
speed and duration. The search is the cross-entropy method (Rubinstein 1999): draw candidates,
keep the best, draw around them, and start anew after a few rounds. Success is that of the last of
50 steps, as everywhere.

A solved start state proves that its goal is reachable. An unsolved one proves nothing.

Run: ``python bench/slide_ceiling.py [--episodes 200] [--model models/FetchSlide/policy.onnx]``
"""

from pathlib import Path

from her_ros.analysis.evaluate import wilson_interval
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import FIRST_SEED
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.fetch import FULL_ACTION_M
from her_ros.tasks.registry import task_named
import numpy as np
from numpy.typing import NDArray
from options import Options, SEED, whole
from table import print_figures, print_table

TASK = task_named('FetchSlide')
MODEL = Path(__file__).parents[1] / 'models' / 'FetchSlide' / 'policy.onnx'
#: direction (rad, from the line puck to goal), run-up (m), lateral offset (m), speed (share of a
#: full action), duration (control periods)
LOW = np.array([-0.4, 0.05, -0.02, 0.1, 2.0])
HIGH = np.array([0.4, 0.20, 0.02, 1.0, 8.0])
ELITE = 8
# Rounds before the search starts anew, as it may settle on a strike that is not the best.
ROUNDS_PER_START = 5
# Where the gripper travels above the puck, and how low it strikes; metres, world frame.
CLEAR_Z, STRIKE_Z = 0.50, 0.417
CLOSE_M = 0.004


def policy_distances(model: Path, episodes: int, threads: int) -> NDArray[np.float64]:
    """Return the distance between puck and goal after a policy's last step, metres, shape (n,)."""
    policy = OnnxPolicy.load(model, TASK)
    batch = FetchBatch(TASK, [0] * episodes, threads)
    state = batch.reset(seeds=[FIRST_SEED + number for number in range(episodes)])
    for _ in range(TASK.episode_length):
        state = batch.step(policy.act(*state))
    return TASK.distance(state.achieved_goal, state.desired_goal)


class Strikes:
    """Candidates for one start state, simulated together."""

    def __init__(self, count: int, threads: int) -> None:
        self._batch = FetchBatch(TASK, [0] * count, threads)
        self._count = count

    def distances(self, seed: int, strikes: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Return the distance between puck and goal after each strike, metres, shape (n,).

        :param strikes: shape (n, 5), columns as in ``LOW`` and ``HIGH``
        """
        turn, run_up, lateral, speed, duration = strikes.T
        state = self._batch.reset(seeds=[seed] * self._count)
        puck, goal = state.achieved_goal[:, :2], state.desired_goal[:, :2]
        angle = np.arctan2(*(goal - puck).T[::-1]) + turn
        ahead = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        aside = ahead[:, ::-1] * (-1.0, 1.0)
        start = puck - run_up[:, None] * ahead + lateral[:, None] * aside
        phase, struck = np.zeros(self._count, int), np.zeros(self._count)
        for _ in range(TASK.episode_length):
            gripper = state.observation[:, :3]
            error = np.concatenate([start, np.full((self._count, 1), CLEAR_Z)], axis=1) - gripper
            over = np.linalg.norm(error[:, :2], axis=1) < CLOSE_M
            # 0: rise, 1: move behind the puck, 2: come down, 3: strike, 4: stand still
            phase += (phase == 0) & (gripper[:, 2] > CLEAR_Z - 0.02)
            phase += (phase == 1) & over
            phase += (phase == 2) & (gripper[:, 2] < STRIKE_Z + CLOSE_M)
            phase += (phase == 3) & (struck >= duration)
            error[phase == 0, :2] = 0.0
            error[phase >= 2, 2] = STRIKE_Z - gripper[phase >= 2, 2]
            move = error / FULL_ACTION_M
            strike = phase == 3
            share = np.clip(duration - struck, 0.0, 1.0)[:, None]
            move[strike, :2] = (share * speed[:, None] * ahead)[strike]
            struck += strike
            move[phase == 4] = 0.0
            actions = np.concatenate([move, np.zeros((self._count, 1))], axis=1)
            state = self._batch.step(np.clip(actions, -1.0, 1.0).astype(np.float32))
        return TASK.distance(state.achieved_goal, state.desired_goal)


def search(
    strikes: Strikes, seed: int, count: int, rounds: int, generator: np.random.Generator
) -> tuple[float, int]:
    """
    Search a strike for one start state.

    :return: the smallest distance found, metres, and the rounds that it took
    """
    mean = spread = np.zeros_like(LOW)
    least = np.inf
    for number in range(1, rounds + 1):
        if number % ROUNDS_PER_START == 1:
            candidates = generator.uniform(LOW, HIGH, (count, len(LOW)))
        else:
            candidates = np.clip(generator.normal(mean, spread, (count, len(LOW))), LOW, HIGH)
        distances = strikes.distances(seed, candidates)
        elite = candidates[np.argsort(distances)[:ELITE]]
        mean, spread = elite.mean(axis=0), elite.std(axis=0) + 0.02 * (HIGH - LOW)
        least = min(least, float(distances.min()))
        if least < TASK.goal_tolerance_m:
            return least, number
    return least, rounds


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--model', type=Path, default=MODEL)
    parser.add_argument('--episodes', type=whole(1), default=200)
    parser.add_argument('--candidates', type=whole(1), default=48)
    parser.add_argument('--rounds', type=whole(1), default=30)
    parser.add_argument('--threads', type=whole(1), default=2)
    parser.add_argument('--seed', type=SEED, default=0, help='of the search')
    options = parser.parse_args()
    distances = policy_distances(options.model, options.episodes, options.threads)
    missed = np.flatnonzero(distances >= TASK.goal_tolerance_m)
    strikes = Strikes(options.candidates, options.threads)
    rows, generator = [], np.random.default_rng(options.seed)
    for number in missed.tolist():
        least, rounds = search(
            strikes, FIRST_SEED + number, options.candidates, options.rounds, generator
        )
        rows.append((number, 100 * distances[number], 100 * least, rounds))
    print_table('start state', ('policy misses by, cm', 'best strike, cm', 'rounds'), rows)
    unsolved = sum(row[2] >= 100 * TASK.goal_tolerance_m for row in rows)
    reachable = options.episodes - unsolved
    low, high = wilson_interval(reachable, options.episodes)
    print(f'reachable: {reachable} of {options.episodes} (95 % interval {low:.3f} … {high:.3f})')
    print_figures(
        slide_policy_success=1.0 - len(missed) / options.episodes,
        slide_ceiling=reachable / options.episodes,
    )


if __name__ == '__main__':
    main()
