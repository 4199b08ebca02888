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

"""``her-ros evaluate``: measure a policy's success rate with its confidence interval."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from her_ros.analysis.disturbed import COLUMNS, disturbed_results, measurable
from her_ros.analysis.results import wilson_interval
from her_ros.analysis.video_file import require_writable
from her_ros.arms.registry import with_workspace
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.episodes.episode import Episode
from her_ros.episodes.splitting import split_rollout
from her_ros.orchestration.progress import tracked
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import task_named
import numpy as np
from rich.console import Console
from rich.table import Table

# Height of a goal above the object's start, metres, from which on it counts as in the air.
_IN_THE_AIR_M = 0.01


class OnTask(NamedTuple):
    """Task and arm on which a policy is evaluated."""

    #: name of the task; empty: that of the policy
    task: str = ''
    #: arm that does it, by name or path; empty: that of the policy
    arm: str = ''
    #: whether the policy may have been trained on another arm
    accept_arm: bool = False


class Evaluated(NamedTuple):
    """Result of an evaluation."""

    #: the results as text, by name
    results: dict[str, str]
    #: successful episodes
    successes: int


_AS_TRAINED = OnTask()


def evaluate(
    model: Path,
    protocol: EvaluationProtocol,
    video: Path | None = None,
    shown: int = 9,
    on: OnTask = _AS_TRAINED,
    disturb: str = '',
) -> None:
    """
    Evaluate a policy and print the results.

    :param video: file for a video of the first episodes; None: no video
    :param shown: how many episodes it shows
    :param on: task and arm
    :param disturb: disturbances to measure as well; empty: none
    :raises HerRosError: if the policy cannot be read, or it cannot be disturbed or filmed so
    """
    if video is not None:
        require_writable(video)
    policy = OnnxPolicy.load(model)
    task = evaluated_task(policy, on)
    disturbances = measurable(task, disturb)
    if video is not None:
        require_drawable(task)
    figures, successes = evaluated(policy, protocol, on)
    table = Table(title=str(model), show_header=False)
    for name, value in figures.items():
        table.add_row(name, value)
    console = Console(markup=False)
    console.print(table)
    if disturbances:
        table = Table(*COLUMNS, title=f'success when disturbed: {disturb}')
        results = disturbed_results(policy, task, disturbances, protocol, successes)
        count = len(disturbances.strengths)
        for result in tracked(results, 'disturbed', 1 + count + (count > 1)):
            table.add_row(*result.cells())
        console.print(table)
    if video is not None:
        from her_ros.analysis.film import write_film

        write_film(policy, task, min(shown, protocol.episodes), video)
        print(video)


def evaluated(
    policy: OnnxPolicy, protocol: EvaluationProtocol, on: OnTask = _AS_TRAINED
) -> Evaluated:
    """Evaluate a policy."""
    task = evaluated_task(policy, on)
    steps = evaluation_steps(task, policy.act, policy.version, protocol)
    rollouts = -(-protocol.episodes // min(protocol.num_envs, protocol.episodes))
    shown = tracked(steps, 'evaluating', rollouts * (task.episode_length + 1))
    finished, _ = split_rollout(list(shown))
    at_reset = sum(bool(task.is_success(e.achieved_goal[0], e.desired_goal)) for e in finished)
    rows = {
        'task': task.name,
        **({'arm': task.arm_name, 'trained on': policy.contract.trained_on} if task.arm else {}),
        'policy version': str(policy.version),
        'episodes': str(len(finished)),
        'success': success_of(finished),
    }
    if task.name in ('FetchPickAndPlace', 'PickAndPlace'):
        in_air = [e.desired_goal[2] - e.achieved_goal[0, 2] > _IN_THE_AIR_M for e in finished]
        for name, wanted in (('success, goal in the air', True), ('success, on the table', False)):
            rows[name] = success_of(
                [e for e, a in zip(finished, in_air, strict=True) if a == wanted]
            )
    rows['solved before the first action'] = str(at_reset)
    rows['mean return'] = f'{np.mean([float(e.reward.sum()) for e in finished]):.2f}'
    return Evaluated(rows, sum(episode.is_success for episode in finished))


def require_drawable(task: GoalTask) -> None:
    """
    Check that pictures of a task can be drawn, before episodes are filmed.

    :raises HerRosError: if the task has no scene to draw, or OpenGL is missing
    """
    # Only now: drawing needs OpenGL.
    from her_ros.sim.rendering.painter import Painter

    Painter(task).close()


def evaluated_task(policy: OnnxPolicy, on: OnTask = _AS_TRAINED) -> GoalTask:
    """
    Return the task on which a policy is evaluated.

    :raises HerRosError: if there is no such task or arm, or the policy was made for another one
    """
    contract = policy.contract
    name = on.task or contract.task
    same_task = name == contract.task
    task = with_workspace(task_named(name, on.arm or (contract.arm if same_task else '')))
    contract.check_fits(task, on.accept_arm)
    return task


def success_of(episodes: Sequence[Episode]) -> str:
    """Return the success rate of episodes as text, with the confidence interval."""
    if not episodes:
        return 'none such'
    successes = sum(episode.is_success for episode in episodes)
    low, high = wilson_interval(successes, len(episodes))
    return f'{successes / len(episodes):.3f} (95 % interval {low:.3f} … {high:.3f})'
