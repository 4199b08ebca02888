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
Time of a step: her_ros.sim, the physics alone, the original, and the task on another arm.

All are stepped by the same actions in turn, within one run; times are medians. The physics alone
is ``mj_step(nstep=20)``, and the kinematics where the fingers are held closed, in a plain loop on
the model we use; inputs are set and states read outside of its time. The last line holds the
lowest figure of all tasks. Episodes during which other processes took more than a twentieth of a
CPU don't count and are repeated, for a while: two threads need two CPUs.

Run: ``python bench/sim.py [--envs 16] [--episodes 3] [--arm franka_panda]``
"""

import contextlib
import io
import time
import types

import gymnasium
from gymnasium.vector import SyncVectorEnv
from her_ros.arms.model import load_model, MOCAP_TURN, SUBSTEPS
from her_ros.arms.scene_specs import SCENE_SPECS
import her_ros.sim  # noqa: F401 (registers)
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.arm import FETCH_PREFIX
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import mujoco
import numpy as np
from options import Options, whole
from table import print_figures, print_table, seconds_of_others, timed

with contextlib.redirect_stderr(io.StringIO()):
    import gymnasium_robotics
    from gymnasium_robotics.utils import mujoco_utils


class Physics:
    """N simulations in a loop, and nothing else."""

    def __init__(self, task: GoalTask, count: int) -> None:
        self._model = load_model(task)
        self._data = [mujoco.MjData(self._model.mujoco_model) for _ in range(count)]

    def reset(self, object_xy: np.ndarray) -> None:
        """Start episodes with the objects at these positions, shape (N, 2)."""
        model = self._model
        for data, position in zip(self._data, object_xy, strict=True):
            mujoco.mj_resetData(model.mujoco_model, data)
            data.time = model.start_time_s
            data.qpos[:], data.qvel[:] = model.start_qpos, model.start_qvel
            if model.object:
                place = model.object_qpos
                data.qpos[place:][:2] = position
            mujoco.mj_forward(model.mujoco_model, data)

    def step(self, actions: np.ndarray) -> float:
        """Return the time spent in MuJoCo, seconds."""
        model = self._model
        for data, action in zip(self._data, actions, strict=True):
            data.mocap_pos[0] = data.xpos[model.gripper_body] + action[:3] * 0.05
            data.mocap_quat[0] = data.xquat[model.gripper_body] + MOCAP_TURN
            data.ctrl[:] = data.qpos[model.actuated_qpos] + action[3]
        start = time.perf_counter()
        for data in self._data:
            mujoco.mj_step(model.mujoco_model, data, nstep=SUBSTEPS)
        spent = time.perf_counter() - start
        if not model.scene_spec.fingers_closed:
            return spent
        for data in self._data:
            data.qpos[model.finger_qpos] = 0.0
        start = time.perf_counter()
        for data in self._data:
            mujoco.mj_kinematics(model.mujoco_model, data)
            mujoco.mj_comPos(model.mujoco_model, data)
        return spent + time.perf_counter() - start

    def achieved_goal(self) -> np.ndarray:
        """Return the positions of the objects or grippers, shape (N, 3)."""
        site = (self._model.object or self._model.grip).site
        return np.array([data.site_xpos[site] for data in self._data])


def prepare_original() -> None:
    gymnasium.register_envs(gymnasium_robotics)
    # gymnasium-robotics 1.4.2 compares joint types in a way that fails from mujoco 3.12 on.
    shim = types.SimpleNamespace(**vars(mujoco))
    members = mujoco.mjtJoint.__members__.items()
    shim.mjtJoint = types.SimpleNamespace(**{name: int(member) for name, member in members})
    mujoco_utils.mujoco = shim


class Contest:
    """Our batch and what it is compared with, on one task."""

    def __init__(self, task: GoalTask, count: int, arm: str) -> None:
        self._task, self._count = task, count
        self._arm = ArmBatch(task_named(task.name.removeprefix(FETCH_PREFIX), arm), [0] * count)
        self._batches = {threads: FetchBatch(task, [0] * count, threads) for threads in (1, 2)}
        self._vector = gymnasium.make_vec(f'her_ros/{task.name}', num_envs=count)
        self._sync = SyncVectorEnv([lambda: gymnasium.make(f'{task.name}-v4')] * count)
        self._physics = Physics(task, count)
        self._steps = {
            'batch': lambda actions: timed(lambda: self._batches[1].step(actions)),
            'physics': self._physics.step,
            'batch, 2 threads': lambda actions: timed(lambda: self._batches[2].step(actions)),
            'vector env': lambda actions: timed(lambda: self._vector.step(actions)),
            'SyncVectorEnv': lambda actions: timed(lambda: self._sync.step(actions)),
            'arm': lambda actions: timed(lambda: self._arm.step(actions)),
        }

    def episode(self, number: int) -> dict[str, list[float]]:
        """Return the times of an episode's steps, of all environments together, seconds."""
        seeds = [1000 * number + i for i in range(self._count)]
        start = self._batches[1].reset(seeds=seeds)
        self._batches[2].reset(seeds=seeds)
        self._arm.reset(seeds=seeds)
        self._vector.reset(seed=seeds)
        self._sync.reset(seed=seeds)
        self._physics.reset(start.achieved_goal[:, :2])
        generator = np.random.default_rng(number)
        times: dict[str, list[float]] = {name: [] for name in self._steps}
        for _ in range(self._task.episode_length):
            actions = generator.uniform(-1, 1, (self._count, 4)).astype(np.float32)
            for name, step in self._steps.items():
                times[name].append(step(actions))
        seen = self._physics.achieved_goal()
        assert (self._batches[1].state().achieved_goal == seen).all(), 'not the same work'
        return times


def measure(task: GoalTask, count: int, episodes: int, arm: str) -> dict[str, float]:
    """Return the median time of a step of all environments, seconds."""
    contest = Contest(task, count, arm)
    times: dict[str, list[float]] = {}
    counted = 0
    for number in range(10 * episodes):
        others, start = seconds_of_others(), time.perf_counter()
        spent = contest.episode(number)
        share = (seconds_of_others() - others) / (time.perf_counter() - start)
        # Late in vain, take what there is.
        if share > 0.05 and 10 * episodes - number > episodes - counted:
            continue
        if share > 0.05:
            print(f'{task.name}: other processes took {share:.2f} CPUs')
        for name, seconds in spent.items():
            times.setdefault(name, []).extend(seconds)
        counted += 1
        if counted == episodes:
            break
    return {name: float(np.median(seconds)) for name, seconds in times.items()}


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--envs', type=whole(1), default=16)
    parser.add_argument('--episodes', type=whole(1), default=3)
    parser.add_argument('--arm', default='six_joint', help='arm that does the same task')
    options = parser.parse_args()
    prepare_original()
    columns = ('batch', 'physics', 'vector env', 'SyncVectorEnv', 'batch, 2 threads', 'arm')
    figures = ('sim_vs_physics', 'sim_vs_sync', 'sim_threads2_vs_1', 'sim_arm_vs_fetch')
    lowest = dict.fromkeys(figures, np.inf)
    rows = []
    for name in SCENE_SPECS:
        times = measure(task_named(name), options.envs, options.episodes, options.arm)
        ratios = {
            'sim_vs_physics': times['physics'] / times['batch'],
            'sim_vs_sync': times['SyncVectorEnv'] / times['vector env'],
            'sim_threads2_vs_1': times['batch'] / times['batch, 2 threads'],
            'sim_arm_vs_fetch': times['batch'] / times['arm'],
        }
        lowest = {key: min(lowest[key], ratio) for key, ratio in ratios.items()}
        rows.append((name, *(1e3 * times[column] for column in columns), *ratios.values()))
    print_table(
        f'ms per step of {options.envs} environments',
        (*columns, 'physics/batch', 'Sync/vector env', 'threads 1/2', 'batch/arm'),
        rows,
    )
    print_figures(**lowest)


if __name__ == '__main__':
    main()
