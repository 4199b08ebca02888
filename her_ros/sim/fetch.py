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

"""Fetch environments stepped together, equal bit for bit to gymnasium-robotics' ``Fetch…-v4``."""

from collections.abc import Sequence

from her_ros.arms.model import (
    base_position,
    load_model,
    MOCAP_TURN,
    SUBSTEPS,
    without_contacts,
)
from her_ros.sim.disturbed.physics import disturb_batch, object_lift
from her_ros.sim.errors import SimError
from her_ros.sim.initial_states import draw_start, start_generator
from her_ros.sim.observations import EnvIndex, Floats, ObservationReader
from her_ros.sim.simulation import checked_goals, GoalState, ONE_SEED_EACH
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.fetch import FULL_ACTION_M
from her_ros.tasks.goal_task import GoalTask
import mujoco
import mujoco.batch
import numpy as np
from numpy.typing import ArrayLike, NDArray


class FetchBatch:
    """
    N environments of one task on one thread pool.

    Episodes do not end by themselves: the caller truncates them after ``task.episode_length``
    steps. The task computes reward and success from the goals of a state. Not thread-safe.

    :param seeds: one per environment; ``None`` draws one from the operating system
    :param threads: number of physics threads; does not affect the results
    :raises SimError: if the task has no simulation, its assets are missing, there are no seeds or
        one is negative
    """

    def __init__(self, task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> None:
        if not len(seeds) or threads < 1:
            raise SimError(f'{len(seeds)} seeds and {threads} threads', 'both must be at least 1')
        self.task = task
        #: random generators of object positions and goals, one per environment
        self.generators = [start_generator(seed) for seed in seeds]
        self._model = load_model(task)
        self._physics = mujoco.batch.Batch(self._model.mujoco_model, len(seeds), nthread=threads)
        # After the fingers are set to 0, body positions are still those of the last substep. A
        # separate batch updates them without the contact search of a forward pass.
        self._kinematics = self._physics
        if self._model.scene_spec.fingers_closed:
            contactless = without_contacts(self._model.mujoco_model)
            self._kinematics = mujoco.batch.Batch(contactless, len(seeds), nthread=threads)
        self._kinematics_qpos = self._kinematics.bind('qpos')
        self._observations = ObservationReader(self._model, self._kinematics, self._physics)
        self._desired_goal = np.full((len(seeds), task.goal_size), np.nan)
        self._running = np.zeros(len(seeds), bool)
        self._state = {
            name: self._physics.bind(name)
            for name in ('time', 'qpos', 'qvel', 'ctrl', 'mocap_pos', 'mocap_quat')
        }
        # How much higher objects start than they settled, metres; None: nothing was disturbed.
        self._object_lift_m: Floats | None = None
        #: actions are clipped to this; above 1 an arm moves farther than a full action
        self.action_limit = 1.0
        self.base_m = base_position(self._model)

    def __len__(self) -> int:
        """Return N, the number of environments."""
        return len(self.generators)

    def reset(
        self, rows: ArrayLike | None = None, seeds: Sequence[int | None] | None = None
    ) -> GoalState:
        """
        Start new episodes.

        :param rows: indices of the environments, all by default
        :param seeds: one per row; ``None`` keeps the present state of the generator
        :return: state of the rows
        :raises SimError: if rows or seeds do not fit
        """
        ids, index = self._rows(rows)
        numbers = range(len(self))[index] if isinstance(index, slice) else index.tolist()
        if seeds is not None:
            if len(seeds) != len(numbers):
                raise SimError(
                    f'{len(seeds)} seeds for {len(numbers)} environments', ONE_SEED_EACH
                )
            for row, seed in zip(numbers, seeds, strict=True):
                if seed is not None:
                    self.generators[row] = start_generator(seed)
        qpos = np.tile(self._model.start_qpos, (len(numbers), 1))
        for place, row in enumerate(numbers):
            generator = self.generators[row]
            self._desired_goal[row] = draw_start(self._model, generator, qpos[place])
        if self._object_lift_m is not None and self._model.object is not None:
            qpos[:, self._model.object_qpos + 2] += self._object_lift_m[index]
        self._physics.reset(ids=ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._state['time'][index] = self._model.start_time_s
        self._state['qpos'][index] = qpos
        self._state['qvel'][index] = self._model.start_qvel
        self._update_positions(ids, index)
        self._running[index] = True
        return self.state(rows)

    def set_goal(self, goals: ArrayLike, rows: ArrayLike | None = None) -> None:
        """
        Replace the desired goals of the running episodes, until their next reset.

        :param goals: metres, world frame, shape (3,) for the same in every row, or (n, 3)
        :raises SimError: if a goal is not finite or has another size
        """
        _, index = self._rows(rows)
        self._desired_goal[index] = checked_goals(goals, self._desired_goal[index].shape)

    def step(self, actions: ArrayLike, rows: ArrayLike | None = None) -> GoalState:
        """
        Move for one control period.

        :param actions: gripper displacement in units of 5 cm, world frame, and finger opening;
            clipped to ``action_limit``, shape (n, 4); float32 rounds as the original does
        :param rows: indices of the environments that move, all by default
        :return: state of the rows after the move
        :raises SimError: if an action has the wrong shape or is not finite, or no episode runs
        """
        ids, index = self._rows(rows)
        self._apply(self._checked(actions, index), index)
        self._physics.step(ids=ids, nstep=SUBSTEPS)
        if self._model.scene_spec.fingers_closed:
            for finger in self._model.finger_qpos:
                self._state['qpos'][index, finger] = 0.0
            self._update_positions(ids, index)
        return self.state(rows)

    def state(self, rows: ArrayLike | None = None) -> GoalState:
        """Return the state of some environments, all by default."""
        _, index = self._rows(rows)
        return GoalState(*self._observations.observe(index), np.array(self._desired_goal[index]))

    def disturb(self, drawn: Drawn) -> None:
        """
        Set the physics of the episodes that the next reset starts.

        :param drawn: shape (N,)
        """
        model = self._model.mujoco_model
        disturb_batch(self._physics, model, drawn)
        self._object_lift_m = object_lift(model, drawn)

    def push(self, velocities: Floats) -> None:
        """Add velocities to the objects, m/s, world frame, shape (N, 3)."""
        if self._model.object is not None:
            self._state['qvel'][:, self._model.object.dofs[:3]] += velocities

    def qpos(self, row: int) -> Floats:
        """
        Return the joint positions of one environment, rad and metres, as MuJoCo has them.

        :return: an array of its own, shape (nq,)
        """
        return np.array(self._state['qpos'][row])

    def _update_positions(self, ids: NDArray[np.intp] | None, index: EnvIndex) -> None:
        if self._kinematics is not self._physics:
            self._kinematics_qpos[index] = self._state['qpos'][index]
        self._kinematics.forward(ids=ids, stage=mujoco.mjtStage.mjSTAGE_POS)

    def _apply(self, actions: NDArray[np.floating], index: EnvIndex) -> None:
        # Clip and scale in the action's own type, then convert to float64, as the original does.
        limit = np.float32(self.action_limit)
        actions = np.clip(actions, -limit, limit)
        position, quaternion = self._observations.gripper_pose(index)
        self._state['mocap_pos'][index, 0] = position + actions[:, :3] * FULL_ACTION_M
        self._state['mocap_quat'][index, 0] = quaternion + MOCAP_TURN
        if not self._model.scene_spec.fingers_closed:
            fingers = self._state['qpos'][index][:, self._model.actuated_qpos]
            self._state['ctrl'][index] = fingers + actions[:, 3:]

    def _rows(self, rows: ArrayLike | None) -> tuple[NDArray[np.intp] | None, EnvIndex]:
        """Return rows as sorted ids for the batch, or None for all, and as an array index."""
        if rows is None:
            return None, slice(None)
        index = np.asarray(rows)
        valid = index.ndim == 1 and index.size and np.issubdtype(index.dtype, np.integer)
        valid = valid and index.min() >= 0 and index.max() < len(self)
        if not valid or len(np.unique(index)) < len(index):
            raise SimError(
                f'rows are {index.tolist()}', f'they must be different numbers below {len(self)}'
            )
        return np.sort(index), index

    def _checked(self, actions: ArrayLike, index: EnvIndex) -> NDArray[np.floating]:
        actions = np.asarray(actions)
        running = self._running[index]
        wanted = (len(running), self.task.action_size)
        if actions.shape != wanted:
            raise SimError(f'actions have shape {actions.shape}', f'expected {wanted}')
        if not np.isfinite(actions).all():
            bad = int(np.flatnonzero(~np.isfinite(actions).all(axis=1))[0])
            raise SimError(f'action {bad} is {actions[bad].tolist()}', 'it must be finite')
        if not running.all():
            raise SimError('no episode runs yet', 'call reset() before step()')
        return actions
