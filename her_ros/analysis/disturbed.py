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

"""Measure a policy under disturbances: each alone at three strengths, and all together."""

from collections.abc import Iterator
from typing import NamedTuple

from her_ros.analysis.results import wilson_interval
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.rollout import disturbed_rollout
from her_ros.tasks.disturbances import (
    DisturbanceError,
    Disturbances,
    MAX_STRENGTH,
    parse_disturbances,
)
from her_ros.tasks.goal_task import GoalTask

#: multiples of the strengths that were asked for
STRENGTHS = (0.5, 1.0, 2.0)
#: names of the columns of :meth:`DisturbedResult.cells`
COLUMNS = ('disturbance', *(f'strength × {strength:g}' for strength in STRENGTHS))


class DisturbedResult(NamedTuple):
    """Successes of a policy under one disturbance, or under several together."""

    name: str
    #: successful episodes at each strength
    successes: tuple[int, ...]
    episodes: int

    def cells(self) -> tuple[str, ...]:
        """Return the name, and each success rate with its 95 % interval (Wilson 1927)."""
        return (self.name, *(_rate(each, self.episodes) for each in self.successes))


def measurable(task: GoalTask, text: str) -> Disturbances:
    """
    Read the disturbances to measure, and check them before anything is simulated.

    :param text: see :func:`parse_disturbances`
    :return: those that act on the task
    :raises DisturbanceError: if a strength is too large to be doubled, or a disturbance that was
        named by itself does not act on the task
    :raises SimError: if the task's simulation cannot be disturbed so
    """
    disturbances = parse_disturbances(text)
    largest = MAX_STRENGTH / max(STRENGTHS)
    for name, strength in disturbances.strengths.items():
        if strength > largest:
            raise DisturbanceError(
                f'disturbance {name!r} has strength {strength:g}',
                f'give at most {largest:g}, as {max(STRENGTHS):g} times as much is measured too',
            )
    if disturbances:
        disturbed_rollout(task, [0], threads=1, session=0, disturbances=disturbances)
    return disturbances.acting_on(task)


def disturbed_results(
    policy: OnnxPolicy,
    task: GoalTask,
    disturbances: Disturbances,
    protocol: EvaluationProtocol,
    undisturbed: int,
) -> Iterator[DisturbedResult]:
    """
    Evaluate a policy, from the same start states every time.

    :param disturbances: those that are measured, at strength × 1; from :func:`measurable`
    :param undisturbed: successful episodes without disturbances, from the same start states
    :return: without any, with each of them alone, then with all together
    """
    yield DisturbedResult('none', (undisturbed,) * len(STRENGTHS), protocol.episodes)
    groups = {name: [name] for name in disturbances.strengths}
    if len(groups) > 1:
        groups['all together'] = [*disturbances.strengths]
    for name, members in groups.items():
        successes = []
        for factor in STRENGTHS:
            strengths = {each: factor * disturbances.strengths[each] for each in members}
            successes.append(_successes(policy, task, Disturbances(strengths), protocol))
        yield DisturbedResult(name, tuple(successes), protocol.episodes)


def _successes(
    policy: OnnxPolicy,
    task: GoalTask,
    disturbances: Disturbances,
    protocol: EvaluationProtocol,
) -> int:
    steps = evaluation_steps(task, policy.act, policy.version, protocol, disturbances)
    return sum(int(rows['is_success'][rows['truncated'] != 0].sum()) for rows in steps)


def _rate(successes: int, episodes: int) -> str:
    low, high = wilson_interval(successes, episodes)
    return f'{successes / episodes:.3f} ({low:.3f} … {high:.3f})'
