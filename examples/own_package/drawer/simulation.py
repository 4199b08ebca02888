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

"""The simulation of the task: a hand pulls a drawer."""

from her_ros.sim.simulation import GoalState
import numpy as np


class Drawer:
    """N drawers, moved by how fast the hand pulls; all arrays have N rows."""

    def __init__(self, task, seeds, threads=1):
        self._generators = [np.random.default_rng(seed) for seed in seeds]

    def __len__(self):
        """Return N."""
        return len(self._generators)

    def reset(self, *, seeds=None):
        """Start episodes; where a seed is None, its generator goes on."""
        for row, seed in enumerate(seeds or []):
            if seed is not None:
                self._generators[row] = np.random.default_rng(seed)
        self._opening = np.zeros((len(self), 1))
        self._goal = np.array([[each.uniform(0.1, 0.4)] for each in self._generators])
        return self.state()

    def set_goal(self, goals):
        """Replace the desired openings, metres."""
        self._goal[:] = goals

    def step(self, actions):
        """Move for one control period; actions of shape (N, 3), in [-1, 1]."""
        self._opening = np.clip(self._opening + 0.02 * actions[:, :1], 0.0, 0.4)
        return self.state()

    def state(self):
        """Return the present state, in arrays of its own."""
        hand = np.repeat(self._opening, 3, axis=1)
        observation = np.hstack([hand, self._opening])
        return GoalState(observation, self._opening.copy(), self._goal.copy())
