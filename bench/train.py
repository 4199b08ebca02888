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
Training, the headline: time and env steps to 0.95 success on FetchReach.

Ours is ``her-ros train --new``, whole: processes, topics, bags, checkpoint, from its start to its
exit. SB3 is DDPG with ``HerReplayBuffer`` on the same physics (``her_ros.sim`` as a Gymnasium
environment), in a process of its own: with what its documentation shows, with rl-zoo's values for
FetchReach, and the SAC that rl-zoo has them for. Both are evaluated over the same 100
deterministic episodes, ours every 400 steps, SB3 every 500, and their times hold these
evaluations; what they took is reported. A peer gets 180 s per seed; if it has not solved the task
by then, 180 s is what counts, and the ratio is a lower bound.

Run: ``python bench/train.py [--seeds 3] [--quick]``
"""

import argparse
import json
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import tempfile
import time
from typing import Any

from options import above, DOMAIN, Options, whole
from table import print_figures, print_table

BEGIN = time.monotonic()
TASK = 'FetchReach'
SUCCESS = 0.95
LIMIT_S = 180.0
INTERVAL = 500

PEERS = ('SB3 DDPG, documented', 'SB3 DDPG, rl-zoo', 'SB3 SAC, rl-zoo')


def success_rate(act: Any) -> float:
    """Evaluate a policy as the evaluator node does."""
    from her_ros.config.parameters.nodes import EvaluationProtocol
    from her_ros.sim.evaluate import evaluation_steps
    from her_ros.tasks.registry import task_named

    protocol = EvaluationProtocol()
    steps = evaluation_steps(task_named(TASK), act, 0, protocol)
    return (
        sum(rows['is_success'].sum() for rows in steps if rows['truncated'].all())
        / protocol.episodes
    )


def make_sb3(peer: str, seed: int) -> Any:
    import gymnasium
    import her_ros.sim  # noqa: F401 (registers)
    import numpy as np
    from stable_baselines3 import DDPG, HerReplayBuffer, SAC
    from stable_baselines3.common.noise import NormalActionNoise
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env: Any = DummyVecEnv([lambda: gymnasium.make(f'her_ros/{TASK}')])
    parameters: dict[str, Any] = {
        'replay_buffer_class': HerReplayBuffer,
        # stable-baselines3.readthedocs.io, modules/her.html, Example
        'replay_buffer_kwargs': {'n_sampled_goal': 4, 'goal_selection_strategy': 'future'},
        'seed': seed,
    }
    if 'DDPG' in peer:
        # the same, modules/ddpg.html, Example
        parameters['action_noise'] = NormalActionNoise(np.zeros(4), np.full(4, 0.1))
    if 'rl-zoo' in peer:
        # rl-baselines3-zoo, hyperparams/sac.yml, FetchReach-v1
        parameters |= {
            'batch_size': 256,
            'gamma': 0.95,
            'learning_rate': 1e-3,
            'learning_starts': 1000,
            'policy_kwargs': {'net_arch': [64, 64]},
        }
        env = VecNormalize(env, gamma=0.95)
    model = DDPG if 'DDPG' in peer else SAC
    return model('MultiInputPolicy', env, device='cpu', **parameters)


def run_sb3(peer: str, seed: int, limit_s: float) -> dict[str, Any]:
    """Train until the success rate or the limit is reached; what the child process does."""
    from stable_baselines3.common.callbacks import BaseCallback

    model = make_sb3(peer, seed)
    normalize = model.get_vec_normalize_env()

    def act(observation: Any, achieved_goal: Any, desired_goal: Any) -> Any:
        state = {
            'observation': observation,
            'achieved_goal': achieved_goal,
            'desired_goal': desired_goal,
        }
        if normalize is not None:
            state = normalize.normalize_obs(state)
        return model.predict(state, deterministic=True)[0]

    result: dict[str, Any] = {'solved': False, 'success': 0.0, 'evaluation_s': 0.0}

    class Evaluation(BaseCallback):
        """Evaluates the policy between the steps of SB3."""

        def _on_step(self) -> bool:
            if self.num_timesteps % INTERVAL == 0:
                begin = time.monotonic()
                result['success'] = success_rate(act)
                result['solved'] = bool(result['success'] >= SUCCESS)
                result['evaluation_s'] += time.monotonic() - begin
            return not result['solved'] and time.monotonic() - BEGIN < limit_s

    model.learn(1_000_000, callback=Evaluation())
    return {**result, 'env_steps': model.num_timesteps}


def peer_run(peer: str, seed: int, limit_s: float) -> dict[str, Any]:
    begin = time.monotonic()
    finished = subprocess.run(
        [sys.executable, __file__, '--peer', peer, '--seeds', str(seed), '--limit', str(limit_s)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    seconds = time.monotonic() - begin
    result = json.loads(finished.stdout.splitlines()[-1])
    return {**result, 'seconds': seconds if result['solved'] else max(seconds, limit_s)}


def our_run(seed: int) -> dict[str, Any]:
    from her_ros.policy.onnx_policy import OnnxPolicy
    from her_ros.runtime.run_result import is_solved
    from her_ros.tasks.registry import task_named

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, '-m', 'her_ros.cli.main', 'train', '--task', TASK, '--new']
        command += ['--runs', folder, '--seed', str(seed), '--namespace', 'bench']
        # The peers stop at the first evaluation that reaches it.
        command += ['--set', f'trainer.stop.success_rate={SUCCESS}']
        command += ['--set', 'trainer.stop.evaluations=1']
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        run = Path(folder, TASK, 'run_001')
        result = json.loads((run / 'result.json').read_text())
        # The evaluator does not say how long it took, so its work is done once more.
        begin = time.monotonic()
        success_rate(OnnxPolicy.load(run / 'policy.onnx', task_named(TASK)).act)
        evaluation_s = (time.monotonic() - begin) * len(result['evaluations'])
    return {
        'solved': is_solved(result),
        'success': result['success_rate'],
        'seconds': seconds,
        'evaluation_s': evaluation_s,
        # Those that the policy came from; some more were taken while it was evaluated.
        'env_steps': result['evaluations'][-1]['env_steps'],
    }


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--seeds', type=whole(1), default=3)
    parser.add_argument('--quick', action='store_true', help='one seed, 20 s for a peer')
    parser.add_argument('--limit', type=above(0.0), default=LIMIT_S, help='for a peer, seconds')
    parser.add_argument('--peer', choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument('--domain', type=DOMAIN, default=91, help='ROS domain')
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(run_sb3(options.peer, options.seeds, options.limit)))
        return
    os.environ['ROS_DOMAIN_ID'] = str(options.domain)
    seeds, limit_s = (1, 20.0) if options.quick else (options.seeds, options.limit)
    runs: dict[str, list[dict[str, Any]]] = {'ours': [], **{peer: [] for peer in PEERS}}
    for seed in range(seeds):
        for name, found in runs.items():
            result = our_run(seed) if name == 'ours' else peer_run(name, seed, limit_s)
            found.append(result)
            print(
                f'seed {seed}, {name}: {"solved" if result["solved"] else "not solved"},'
                f' success {result["success"]:.2f}, {result["env_steps"]} env steps,'
                f' {result["seconds"]:.1f} s, of it {result["evaluation_s"]:.1f} s evaluations',
                flush=True,
            )
    times = {name: median(r['seconds'] for r in found) for name, found in runs.items()}
    without = {
        name: median(r['seconds'] - r['evaluation_s'] for r in found)
        for name, found in runs.items()
    }
    print_table(
        f'{TASK} to {SUCCESS}',
        ('solved', 'env steps', 'seconds', 'of ours', 'without evaluations', 'of ours'),
        [
            (name, f'{sum(r["solved"] for r in found)} of {len(found)}',
             median(r['env_steps'] for r in found), times[name], times[name] / times['ours'],
             without[name], without[name] / without['ours'])
            for name, found in runs.items()
        ],
    )  # fmt: skip
    print_figures(
        train_reach_s=times['ours'],
        train_reach_steps=median(r['env_steps'] for r in runs['ours']),
        train_vs_sb3=times[PEERS[0]] / times['ours'],
        train_sb3_unsolved=sum(not r['solved'] for r in runs[PEERS[0]]),
        train_vs_sb3_zoo=times[PEERS[1]] / times['ours'],
        train_sb3_zoo_unsolved=sum(not r['solved'] for r in runs[PEERS[1]]),
        train_vs_sb3_sac_zoo=times[PEERS[2]] / times['ours'],
        train_sb3_sac_zoo_unsolved=sum(not r['solved'] for r in runs[PEERS[2]]),
    )


if __name__ == '__main__':
    main()
