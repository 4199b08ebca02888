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

"""Delay, lose and repeat the messages of observations."""

from her_ros.sim.observations import Floats
from her_ros.tasks.disturbances import Drawn
import numpy as np
from numpy.typing import NDArray

#: numbers in [0, 1) that a control period of one environment takes
UNIFORMS = 4


class Messages:
    """
    Measurements that each environment sees, after delay and loss.

    A delayed measurement never replaces a newer one, and the first always arrives.

    :param count: number of environments
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._sent: list[tuple[Floats, Floats]] = []

    def begin(
        self, drawn: Drawn, uniform: Floats, observation: Floats, achieved_goal: Floats
    ) -> tuple[Floats, Floats]:
        """
        Start episodes; return what is seen, as :meth:`see` does.

        A latency of 1.3 periods is 1 in seven of ten episodes and 2 in the others.

        :param uniform: a number in [0, 1) per environment, shape (N,)
        """
        latency, jitter = (
            drawn[name][:, 0].astype(np.float64)
            for name in ('latency_periods', 'latency_jitter_periods')
        )
        self._drawn, self._jitter = drawn, jitter
        self._delay = np.floor(latency + uniform).astype(np.intp)
        # Older measurements cannot be seen any more, but for the one that is seen already.
        self._kept = int(self._delay.max() + np.ceil(jitter.max())) + 1
        self._step = 0
        self._sent = [(observation, achieved_goal)]
        self._newest = np.zeros(self._count, np.intp)
        self._seen = observation.copy(), achieved_goal.copy()
        return self._copy()

    def see(
        self, uniforms: Floats, observation: Floats, achieved_goal: Floats
    ) -> tuple[Floats, Floats]:
        """
        Return the observations and achieved goals that are seen in the next control period.

        :param uniforms: numbers in [0, 1), shape (N, UNIFORMS)
        :param observation: measured now, shape (N, O); not written to
        :param achieved_goal: measured now, metres, shape (N, G); not written to
        """
        self._step += 1
        sent, kept = [*self._sent, (observation, achieved_goal)], self._kept
        self._sent = sent[-kept:]
        # The share of 1 that is left over is the probability of one more period.
        jitter = np.floor(self._jitter * uniforms[:, 2] + uniforms[:, 3]).astype(np.intp)
        arrived = np.maximum(self._step - self._delay - jitter, self._newest)
        missing = uniforms[:, 0] < self._drawn['lost_share'][:, 0]
        missing |= uniforms[:, 1] < self._drawn['repeated_share'][:, 0]
        news = np.where(missing, self._newest, arrived)
        for env in np.flatnonzero(news > self._newest):
            measured = self._sent[news[env] - self._step - 1]
            for seen, sent in zip(self._seen, measured, strict=True):
                seen[env] = sent[env]
        self._newest = news
        return self._copy()

    def ages(self) -> NDArray[np.intp]:
        """Return how many control periods ago each environment's state was measured."""
        return self._step - self._newest

    def _copy(self) -> tuple[Floats, Floats]:
        observation, achieved_goal = self._seen
        return observation.copy(), achieved_goal.copy()
