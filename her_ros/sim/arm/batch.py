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

"""Goal tasks on any described arm, several environments at a time."""

from collections.abc import Sequence

from her_ros.sim.arm.observations import observe
from her_ros.sim.arm.scene import load_scene, SUBSTEPS
from her_ros.sim.disturbed.physics import disturb_batch, object_lift
from her_ros.sim.errors import SimError
from her_ros.sim.initial_states import draw_start, start_generator
from her_ros.sim.observations import Floats
from her_ros.sim.simulation import checked_goals, GoalState, ONE_SEED_EACH
from her_ros.tasks.disturbances import Drawn
from her_ros.tasks.fetch import fingers_after, FULL_ACTION_M
from her_ros.tasks.goal_task import GoalTask
import mujoco
import mujoco.batch
import numpy as np
from numpy.typing import ArrayLike

#: time in which a steadily moving tool covers the displacement of an action. A critically damped
#: tool whose target is always the same distance ahead moves at that distance times 50/s over 3
#: or so: as fast as the Fetch, 0.83 m/s
_COVERED_IN_S = 0.06


class ArmBatch:
    """
    N environments of one task on one thread pool; the interface is that of simulations.

    An action displaces the target of the tool from its present position, within the workspace.
    Inverse kinematics turn this into targets of the joints, within the limits of their speeds, and
    position actuators follow them for a control period. Not thread-safe.

    :param seeds: one per environment; ``None`` draws one from the operating system
    :param threads: number of physics threads; does not affect the results
    :raises HerRosError: if there is no such arm, its description or model has a fault, there are
        no seeds or one is negative
    """

    def __init__(self, task: GoalTask, seeds: Sequence[int | None], threads: int = 1) -> None:
        if not len(seeds) or threads < 1:
            raise SimError(f'{len(seeds)} seeds and {threads} threads', 'both must be at least 1')
        self.task = task
        #: random generators of object positions and goals, one per environment
        self.generators = [start_generator(seed) for seed in seeds]
        self._scene = scene = load_scene(task)
        self._physics = mujoco.batch.Batch(scene.mujoco_model, len(seeds), nthread=threads)
        self._qpos, self._qvel = self._physics.bind('qpos'), self._physics.bind('qvel')
        self._ctrl = self._physics.bind('ctrl')
        self._desired_goal = np.full((len(seeds), task.goal_size), np.nan)
        self._running = False
        # How much higher objects start than they settled, metres, shape (N,).
        self._object_lift_m = np.zeros(len(seeds))
        #: actions are clipped to this; above 1 the tool moves farther than a full action
        self.action_limit = 1.0
        #: position of the arm's base, metres, world frame, shape (3,)
        self.base_m = scene.base_m
        workspace = scene.description.workspace
        self._low_m, self._high_m = np.array(workspace.low), np.array(workspace.high)

    def __len__(self) -> int:
        """Return N, the number of environments."""
        return len(self.generators)

    def reset(self, *, seeds: Sequence[int | None] | None = None) -> GoalState:
        """
        Start new episodes in all environments.

        :param seeds: one per environment; ``None`` keeps the present state of the generator
        :raises SimError: if the number of seeds differs, or one is negative
        """
        if seeds is not None:
            if len(seeds) != len(self):
                raise SimError(f'{len(seeds)} seeds for {len(self)} environments', ONE_SEED_EACH)
            for row, seed in enumerate(seeds):
                if seed is not None:
                    self.generators[row] = start_generator(seed)
        qpos = np.tile(self._scene.start_qpos, (len(self), 1))
        for row, generator in enumerate(self.generators):
            self._desired_goal[row] = draw_start(self._scene, generator, qpos[row])
        if self._scene.object is not None:
            qpos[:, self._scene.object_qpos + 2] += self._object_lift_m
        self._physics.reset(stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._qpos[:] = qpos
        self._running = True
        return self.state()

    def set_goal(self, goals: ArrayLike) -> None:
        """
        Replace the desired goals of the running episodes, until their next reset.

        :param goals: metres, world frame, shape (3,) for the same in every row, or (N, 3)
        :raises SimError: if a goal is not finite or has another size
        """
        self._desired_goal[:] = checked_goals(goals, self._desired_goal.shape)

    def step(self, actions: ArrayLike) -> GoalState:
        """
        Move all environments for one control period.

        :param actions: displacement of the tool in units of 5 cm, world frame, and finger opening;
            clipped to ``action_limit``, shape (N, 4)
        :return: state after the move
        :raises SimError: if an action has the wrong shape or is not finite, or no episode runs
        """
        checked = self._checked(actions)
        scene, kinematics = self._scene, self._scene.kinematics
        joints = np.array(self._qpos[:, scene.joints])
        tool_m = kinematics.chain.tool_pose(joints)[0]
        target_m = np.clip(tool_m + checked[:, :3] * FULL_ACTION_M, self._low_m, self._high_m)
        moved = kinematics.joints_after(joints, target_m - tool_m, _COVERED_IN_S)
        # Joints that the driver holds, such as those of a torso, stay where they are at the start.
        held = scene.start_qpos[scene.joints]
        self._ctrl[:, scene.joints] = np.where(kinematics.chain.commanded, moved, held)
        if not scene.scene_spec.fingers_closed:
            widest_m = scene.description.gripper.max_opening / 2
            fingers = fingers_after(self._qpos[:, scene.fingers], checked[:, 3:], widest_m)
            self._ctrl[:, scene.fingers] = fingers
        self._physics.step(nstep=SUBSTEPS)
        return self.state()

    def state(self) -> GoalState:
        """Return the present state."""
        observed = observe(self._scene, np.array(self._qpos), np.array(self._qvel))
        return GoalState(*observed, self._desired_goal.copy())

    def disturb(self, drawn: Drawn) -> None:
        """
        Set the physics of the episodes that the next reset starts.

        :param drawn: shape (N,)
        """
        model = self._scene.mujoco_model
        disturb_batch(self._physics, model, drawn)
        self._object_lift_m = object_lift(model, drawn)

    def push(self, velocities: Floats) -> None:
        """Add velocities to the objects, m/s, world frame, shape (N, 3)."""
        if self._scene.object is not None:
            first = self._scene.object_dof
            end = first + 3
            self._qvel[:, first:end] += velocities

    def qpos(self, row: int) -> Floats:
        """
        Return the joint positions of one environment, rad and metres, as MuJoCo has them.

        :return: an array of its own, shape (nq,)
        """
        return np.array(self._qpos[row])

    def _checked(self, actions: ArrayLike) -> Floats:
        checked = np.asarray(actions, np.float64)
        wanted = (len(self), self.task.action_size)
        if checked.shape != wanted:
            raise SimError(f'actions have shape {checked.shape}', f'expected {wanted}')
        if not np.isfinite(checked).all():
            bad = int(np.flatnonzero(~np.isfinite(checked).all(axis=1))[0])
            raise SimError(f'action {bad} is {checked[bad].tolist()}', 'it must be finite')
        if not self._running:
            raise SimError('no episode runs yet', 'call reset() before step()')
        return np.clip(checked, -self.action_limit, self.action_limit)
