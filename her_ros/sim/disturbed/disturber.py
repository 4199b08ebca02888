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

"""Disturb the episodes of N environments, from generators of their own."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from her_ros.runtime.seeds import generator
from her_ros.sim.disturbed.acting import Acting
from her_ros.sim.disturbed.messages import Messages, UNIFORMS
from her_ros.sim.disturbed.physics import PHYSICAL
from her_ros.sim.disturbed.sensing import NORMALS, Sensing
from her_ros.sim.errors import SimError
from her_ros.sim.observations import Floats
from her_ros.sim.simulation import GoalState, Simulation
from her_ros.tasks.disturbances import Disturbances, Drawn, neutral
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

# Disturbances by which an arm moves farther than a full action along an axis.
_FARTHER = ('action_scale', 'base_yaw_deg')


@runtime_checkable
class ArmSimulation(Protocol):
    """A simulation of a robot arm."""

    #: position of the robot's base, metres, world frame, shape (3,)
    base_m: Floats
    #: actions are clipped to this; above 1 an arm moves farther than a full action
    action_limit: float


@runtime_checkable
class Disturbable(Protocol):
    """A simulation whose physics can be disturbed."""

    def disturb(self, drawn: Drawn) -> None:
        """Set the physics of the episodes that the next reset starts, shape (N,)."""

    def push(self, velocities: Floats) -> None:
        """Add velocities to the objects, m/s, world frame, shape (N, 3)."""


class Disturber:
    """
    Disturbs a simulation: its physics, the actions it gets, and what is seen of it.

    The truth stays in the simulation's own states. What an environment draws depends on its seed
    alone, never on the other environments.

    :param simulation: of all environments that are disturbed
    :param seeds: one per environment, as the simulation has them
    :raises DisturbanceError: if a disturbance was named by itself that does not act on the task
    :raises SimError: if the simulation cannot be disturbed so
    """

    def __init__(
        self,
        task: GoalTask,
        simulation: Simulation,
        disturbances: Disturbances,
        seeds: Sequence[int | None],
    ) -> None:
        self._disturbances = disturbances = disturbances.acting_on(task)
        self._simulation = simulation if isinstance(simulation, Disturbable) else None
        physical = [name for name in PHYSICAL if name in disturbances.strengths]
        if physical and self._simulation is None:
            raise SimError(
                f'its simulation has no {", ".join(physical)}',
                'name other disturbances, such as latency_periods,lost_share',
                source=task.name,
            )
        self._has_physical = bool(physical)
        base_m = np.zeros(3)
        if isinstance(simulation, ArmSimulation):
            base_m = simulation.base_m
            if {*_FARTHER} & {*disturbances.strengths}:
                simulation.action_limit = np.inf
        self._episode_length = task.episode_length
        self._generators = [_generator(seed) for seed in seeds]
        self._sensing, self._acting = Sensing(task, base_m), Acting(task)
        self._messages = Messages(len(seeds))
        #: values drawn for the present episodes, shape (N,)
        self.drawn: Drawn = neutral(len(seeds))

    def begin(self, seeds: Sequence[int | None] | None = None) -> None:
        """
        Draw the disturbances of the episodes that the simulation's next reset starts.

        :param seeds: one per environment; None keeps the present state of the generators
        """
        for row, seed in enumerate(seeds or ()):
            if seed is not None:
                self._generators[row] = _generator(seed)
        self.drawn = np.concatenate([self._disturbances.draw(g) for g in self._generators])
        # Of each environment: how latency is rounded, when it is pushed, and where to.
        self._latency, when, angle = self._random(3).T
        self._push_step = 1 + np.floor(self._episode_length * when)
        direction = np.stack([np.cos(angle * 2 * np.pi), np.sin(angle * 2 * np.pi)], axis=1)
        self._push = np.zeros((len(self.drawn), 3))
        self._push[:, :2] = self.drawn['push_mps'] * direction
        self._step = 0
        self._acting.begin(self.drawn)
        if self._simulation is not None and self._has_physical:
            self._simulation.disturb(self.drawn)

    def act(self, actions: NDArray[Any]) -> NDArray[Any]:
        """
        Return the actions that the simulation is to make; push the objects that are due.

        :param actions: those of the policy, in [-1, 1], shape (N, A)
        """
        self._step += 1
        is_due = (self._push_step == self._step)[:, None] & (self._push != 0.0)
        if self._simulation is not None and is_due.any():
            self._simulation.push(np.where(is_due, self._push, 0.0))
        return self._acting.act(actions, self._random(1)[:, 0])

    def see(self, state: GoalState) -> tuple[Floats, Floats]:
        """
        Return observations (N, O) and achieved goals (N, G), metres, as the policy sees them.

        :param state: the truth, at the start of episodes or after a step
        """
        normals = np.stack([each.standard_normal(NORMALS) for each in self._generators])
        measured = self._sensing.measure(
            self.drawn, state.observation, state.achieved_goal, normals
        )
        if self._step == 0:
            return self._messages.begin(self.drawn, self._latency, *measured)
        return self._messages.see(self._random(UNIFORMS), *measured)

    def _random(self, count: int) -> Floats:
        """Draw numbers in [0, 1) for each environment, shape (N, count)."""
        return np.stack([each.random(count) for each in self._generators])


def _generator(seed: int | None) -> np.random.Generator:
    if seed is None:
        return np.random.default_rng()
    return generator(seed, 'disturbances')
