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

"""Definition of a goal-conditioned task."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from her_ros.tasks.symmetry import Kind, Symmetries, SymmetryError, value_map

# numpy and torch arrays alike: the formulas below use operators that both have.
Array = TypeVar('Array', bound=Any)


@dataclass(frozen=True)
class GoalTask:
    """
    Properties of a task that agents, environments and bags must share.

    The reward is sparse, as in Plappert et al. 2018 (arXiv 1802.09464), section 1.1.
    """

    name: str
    #: fields of an observation, in order: (name, number of values)
    observation_fields: tuple[tuple[str, int], ...]
    goal_size: int
    action_size: int
    goal_tolerance_m: float
    control_period_s: float
    episode_length: int
    #: symmetries of the task; None if it has none, or none are known
    symmetries: Symmetries | None = None
    #: where its simulation is, as ``module:class``, loaded where it is run; empty: it has none.
    #: The class is called with task, seeds and threads, and is a
    #: :class:`~her_ros.sim.simulation.Simulation`
    simulation: str = ''
    #: name of the arm, or path of its description, if the simulation takes any arm; else empty
    arm: str = ''
    #: workspace of the arm: least x, y, z, greatest x, y, z, and table height, metres, axes of
    #: its base; empty: not known here
    workspace: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """
        Check that the kinds of values fit the task's sizes.

        :raises SymmetryError: if they do not
        """
        if (symmetries := self.symmetries) is None:
            return
        kinds, fields = len(symmetries.observation), len(self.observation_fields)
        if kinds != fields:
            raise SymmetryError(
                f'task {self.name}: {kinds} kinds of observation fields; it has {fields} fields',
                'give one kind for each field',
            )
        actions = sum(size for _, size in symmetries.action)
        if actions != self.action_size:
            raise SymmetryError(
                f'task {self.name}: kinds of {actions} values of an action; it has'
                f' {self.action_size}',
                'give one kind for each value',
            )
        value_map([*self.observation_kinds, *self.goal_kinds, *self.action_kinds])

    @property
    def arm_name(self) -> str:
        """Name of the arm, without the folder of its description; empty: no arm is named."""
        return PurePath(self.arm).stem if self.arm.endswith(('.yaml', '.yml')) else self.arm

    @property
    def observation_kinds(self) -> list[tuple[Kind, int]]:
        """Kind and size of each field of an observation; scalars if no symmetries are known."""
        sizes = [size for _, size in self.observation_fields]
        if self.symmetries is None:
            return [(Kind.SCALAR, size) for size in sizes]
        return [*zip(self.symmetries.observation, sizes, strict=True)]

    @property
    def goal_kinds(self) -> list[tuple[Kind, int]]:
        """Kind and size of a goal."""
        return [(self.symmetries.goal if self.symmetries else Kind.SCALAR, self.goal_size)]

    @property
    def action_kinds(self) -> list[tuple[Kind, int]]:
        """Kind and number of the values of an action."""
        return [*self.symmetries.action] if self.symmetries else [(Kind.SCALAR, self.action_size)]

    @property
    def observation_size(self) -> int:
        """Return the number of values in an observation."""
        return sum(size for _, size in self.observation_fields)

    @property
    def observation_slices(self) -> dict[str, slice]:
        """Where each field of an observation is, by its name."""
        found, first = {}, 0
        for name, size in self.observation_fields:
            found[name] = slice(first, first + size)
            first += size
        return found

    def distance(self, achieved: Array, desired: Array) -> Array:
        """
        Euclidean distance between goals.

        :param achieved: positions, metres, world frame, shape (..., G), numpy or torch
        :param desired: goal positions, metres, world frame, shape (..., G)
        :return: distances, metres, shape (...)
        """
        delta = achieved - desired
        return (delta * delta).sum(-1) ** 0.5

    def reward(self, achieved: Array, desired: Array) -> Array:
        """
        Sparse reward: 0.0 where the goal is reached, -1.0 elsewhere.

        :param achieved: positions *after* the action, metres, world frame, shape (..., G)
        :param desired: goal positions, metres, world frame, shape (..., G)
        :return: rewards, shape (...)
        """
        return (self.distance(achieved, desired) > self.goal_tolerance_m) * -1.0

    def is_success(self, achieved: Array, desired: Array) -> Array:
        """Return where the goal is reached, booleans of shape (...)."""
        return self.distance(achieved, desired) < self.goal_tolerance_m
