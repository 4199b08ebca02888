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
Replay: memory per transition, and the time to sample, relabel and normalise.

SB3's ``HerReplayBuffer`` samples the same episodes, as it comes and with ``VecNormalize``; both
give tensors. The Python loop is what one would write down first. The limit is the gathering
alone: the same bytes, from the same tables, at random rows already drawn.

Run: ``python bench/replay.py [--rounds 10]``
"""

from collections.abc import Callable
import random
from statistics import median
import sys
from typing import Any, TYPE_CHECKING

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner
from her_ros.learning.replay.batch import SampleNoise
from her_ros.learning.replay.ring import Ring
from her_ros.tasks.registry import TASKS
from her_ros.wire.rows import step_dtype
import numpy as np
from options import Options, whole
from table import in_turn, print_figures, print_table
import torch

if TYPE_CHECKING:
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.vec_env import VecNormalize

TASK = TASKS['FetchPush']
LENGTH = TASK.episode_length
#: all symmetries of the task, as its parameter file has them
SYMMETRIES = {'symmetry_left_right': 0.5, 'symmetry_front_back': 0.5, 'symmetry_offset_m': 0.1}
# Environments side by side in SB3's buffer; they only make filling it quicker.
SB3_ENVS = 16


def episode(generator: np.random.Generator) -> Episode:
    """Make an episode of noise: what is stored does not change what sampling costs."""
    rows = np.zeros(LENGTH + 1, step_dtype(TASK))
    for name in ('observation', 'achieved_goal', 'action'):
        rows[name] = generator.uniform(-1, 1, rows[name].shape)
    rows['desired_goal'] = generator.uniform(-1, 1, TASK.goal_size)
    rows['reward'] = -1
    return Episode(rows)


def filled_learner(steps: int, **parameters: Any) -> Learner:
    # Rows for the last states and the goals come on top.
    capacity = steps + steps // LENGTH * 2
    learner = Learner(TASK, LearnerParameters(replay_capacity=capacity, **parameters))
    generator = np.random.default_rng(0)
    some = [episode(generator) for _ in range(50)]
    learner.ingest(some)
    for number in range(steps // LENGTH - len(some)):
        learner.replay.add(some[number % len(some)])
    assert len(learner.replay) == steps
    return learner


def filled_sb3(steps: int) -> 'tuple[HerReplayBuffer, VecNormalize]':
    # Here, because our learner is also measured where there is neither SB3 nor a simulation.
    import gymnasium
    import her_ros.sim  # noqa: F401 (registers)
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env = DummyVecEnv([lambda: gymnasium.make('her_ros/FetchPush')])
    buffer = HerReplayBuffer(
        steps, env.observation_space, env.action_space, env, n_envs=SB3_ENVS, n_sampled_goal=4
    )
    generator = np.random.default_rng(0)
    count = 0
    while count < steps:
        episodes = [episode(generator) for _ in range(SB3_ENVS)]
        rows = np.stack([e.rows for e in episodes], 1)
        for t in range(LENGTH):
            now, then = (
                {name: rows[name][i] for name in env.observation_space} for i in (t, t + 1)
            )
            over = np.full(SB3_ENVS, t == LENGTH - 1)
            infos = [{'TimeLimit.truncated': bool(over[0])}] * SB3_ENVS
            moved = rows[t + 1]
            buffer.add(now, then, moved['action'], moved['reward'], over, infos)
        count += LENGTH * SB3_ENVS
    normalize = VecNormalize(env, norm_reward=False)
    normalize.reset()
    return buffer, normalize


def python_loop(learner: Learner, batch_size: int) -> Callable[[], object]:
    """Sample as one would write it down: transition by transition."""
    generator = np.random.default_rng(0)
    episodes = [episode(generator) for _ in range(100)]
    statistics = [(n.mean.numpy(), n.std.numpy()) for n in learner.normalizers.values()]
    (observation_mean, observation_std), (goal_mean, goal_std) = statistics

    def state(observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        observation = np.clip((observation - observation_mean) / observation_std, -5, 5)
        return np.concatenate([observation, np.clip((goal - goal_mean) / goal_std, -5, 5)])

    def sample() -> tuple[torch.Tensor, ...]:
        batch = []
        for _ in range(batch_size):
            e = random.choice(episodes)
            t = random.randrange(len(e))
            goal = e.desired_goal
            if random.random() < 0.8:
                goal = e.achieved_goal[random.randint(t + 1, len(e))]
            reward = -float(np.linalg.norm(e.achieved_goal[t + 1] - goal) > TASK.goal_tolerance_m)
            batch.append(
                (state(e.observation[t], goal), e.action[t], state(e.observation[t + 1], goal),
                 reward, e.terminated[t])
            )  # fmt: skip
        return tuple(torch.tensor(np.array(part)) for part in zip(*batch, strict=True))

    return sample


def gathering(learner: Learner, batch_size: int) -> Callable[[], object]:
    """Read the bytes of a batch, and do nothing else."""
    replay = learner.replay
    tables = [replay._two_values, replay._two_goals, replay._goal]
    rows = torch.randint(replay.capacity - 1, (len(tables), batch_size))
    outs = [torch.empty(batch_size, t.shape[1], dtype=t.dtype) for t in tables]

    def gather() -> None:
        for table, index, out in zip(tables, rows, outs, strict=True):
            torch.index_select(table, 0, index, out=out)

    return gather


def storages(thing: object) -> dict[int, int]:
    """Return the size of each piece of memory that an object's tensors lie in, by address."""
    found: dict[int, int] = {}
    for value in vars(thing).values():
        if isinstance(value, torch.Tensor):
            found[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        elif isinstance(value, Ring):
            found |= storages(value)
    return found


def bytes_per_transition(
    learner: Learner, buffer: 'HerReplayBuffer', steps: int
) -> dict[str, float]:
    ours = sum(storages(learner.replay).values())
    arrays = [
        *buffer.observations.values(), *buffer.next_observations.values(), buffer.actions,
        buffer.rewards, buffer.dones, buffer.timeouts, buffer.ep_start, buffer.ep_length,
        buffer.infos,
    ]  # fmt: skip
    theirs = sum(a.nbytes for a in arrays) + steps * sys.getsizeof({})
    # Both observations, action and reward float32, the goal float64, as ours, and terminated.
    copy = 4 * (2 * TASK.observation_size + TASK.action_size + 1) + 8 * TASK.goal_size + 1
    return {
        'ours': ours / steps,
        'SB3 HerReplayBuffer': theirs / steps,
        'the transition and k = 4 relabelled copies': 5.0 * copy,
    }


def sampling(learner: Learner, batch_size: int) -> Callable[[], object]:
    """Sample, relabel and normalise, with the symmetries that the learner has."""
    generator = torch.Generator().manual_seed(0)

    def sample() -> object:
        sample_noise = SampleNoise.random(batch_size, generator, learner.replay.noise_spec)
        return learner.inputs(learner.replay.sample(sample_noise))

    return sample


def contestants(
    learner: Learner,
    mirrored: Learner,
    buffer: 'HerReplayBuffer',
    normalize: 'VecNormalize',
    batch_size: int,
) -> dict[str, Callable[[], object]]:
    return {
        'ours': sampling(learner, batch_size),
        'ours, symmetries': sampling(mirrored, batch_size),
        'gathering alone': gathering(learner, batch_size),
        'SB3': lambda: buffer.sample(batch_size),
        'SB3, VecNormalize': lambda: buffer.sample(batch_size, normalize),
        'Python loop': python_loop(learner, batch_size),
    }


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=10)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    rows, times, memory = [], {}, {}
    for steps in (100_000, 1_000_000):
        learner, (buffer, normalize) = filled_learner(steps, device='cpu'), filled_sb3(steps)
        mirrored = filled_learner(steps, device='cpu', **SYMMETRIES)
        memory = bytes_per_transition(learner, buffer, steps)
        for batch_size in (256, 4096):
            found = in_turn(
                contestants(learner, mirrored, buffer, normalize, batch_size),
                rounds,
                25_600 // batch_size,
            )
            micros = {name: 1e6 * median(each) for name, each in found.items()}
            times[steps, batch_size] = micros
            rows.append((f'{batch_size} of {steps:,}', *micros.values()))
        del learner, mirrored, buffer, normalize
    print_table('bytes per transition', list(memory), [('FetchPush', *memory.values())])
    print_table('sampling, µs, one core', list(times[100_000, 256]), rows)
    largest = times[1_000_000, 256]
    print_figures(
        replay_bytes_per_transition=memory['ours'],
        replay_bytes_vs_sb3=memory['SB3 HerReplayBuffer'] / memory['ours'],
        replay_sample_us_256=largest['ours'],
        replay_sample_us_256_symmetries=largest['ours, symmetries'],
        replay_sample_us_4096=times[1_000_000, 4096]['ours'],
        replay_sample_vs_sb3=largest['SB3, VecNormalize'] / largest['ours'],
        replay_full_vs_tenth=largest['ours'] / times[100_000, 256]['ours'],
    )


if __name__ == '__main__':
    main()
