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

"""Draw the object position and the goal of an episode."""

from typing import Protocol

from gymnasium.utils.seeding import np_random
from her_ros.arms.scene_specs import SceneSpec
from her_ros.sim.errors import SimError
from her_ros.sim.observations import Floats
import numpy as np

#: an object starts at least this far from the gripper, horizontally
_CLEARANCE_M = 0.1


class StartScene(Protocol):
    """Properties of a scene that determine where its episodes start."""

    @property
    def scene_spec(self) -> SceneSpec:
        """Return the regions of objects and goals."""

    @property
    def object(self) -> object | None:  # noqa: A003
        """Return the object; None: there is none."""

    @property
    def object_qpos(self) -> int:
        """First of the object's 7 values in qpos."""

    @property
    def grip_position_m(self) -> Floats:
        """Position of the gripper at the start, metres, world frame, shape (3,)."""

    @property
    def object_height_m(self) -> float:
        """Height of the resting object, metres, world frame."""


def start_generator(seed: int | None) -> np.random.Generator:
    """
    Return the generator of one environment, as ``gymnasium.Env.reset(seed=seed)`` makes it.

    :param seed: ``None`` draws one from the operating system
    :raises SimError: if the seed is negative
    """
    if seed is not None and seed < 0:
        raise SimError(f'seed {seed} is negative', 'use 0 or more')
    # gymnasium takes Python's integers only, not numpy's.
    return np_random(None if seed is None else int(seed))[0]


def draw_start(model: StartScene, generator: np.random.Generator, qpos: Floats) -> Floats:
    """
    Draw an object position, then a goal, in the order the original draws them.

    :param qpos: the settled joint positions, shape (nq,); the object is moved in place
    :return: desired goal, metres, world frame, shape (3,)
    """
    scene_spec, grip = model.scene_spec, model.grip_position_m
    if model.object is None:
        return grip + generator.uniform(-scene_spec.goal_range_m, scene_spec.goal_range_m, size=3)
    near = grip[:2]
    while np.linalg.norm(near - grip[:2]) < _CLEARANCE_M:
        near = grip[:2] + generator.uniform(
            -scene_spec.object_range_m, scene_spec.object_range_m, size=2
        )
    place, end = model.object_qpos, model.object_qpos + 2
    qpos[place:end] = near
    goal = grip + generator.uniform(-scene_spec.goal_range_m, scene_spec.goal_range_m, size=3)
    goal += scene_spec.goal_shift_m
    goal[2] = model.object_height_m
    # Half of the goals are on the table, the others in the air above it.
    if scene_spec.goal_height_m and generator.uniform() < 0.5:
        goal[2] += generator.uniform(0.0, scene_spec.goal_height_m)
    return goal
