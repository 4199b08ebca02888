"""``her-ros evaluate``: a policy's success rate with its confidence interval."""

import math
from pathlib import Path

from rich.console import Console
from rich.table import Table

from her_ros.core.episode import split_rollout
from her_ros.core.task import task_named
from her_ros.deploy.policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps


def evaluate(model: Path, episodes: int, num_envs: int, threads: int) -> None:
    """Judge a policy and print what came out."""
    policy = OnnxPolicy.load(model)
    task = task_named(policy.contract.task)
    policy.contract.check_fits(task)
    steps = evaluation_steps(task, policy.act, policy.version, episodes, num_envs, threads)
    finished, _ = split_rollout(list(steps))
    successes = sum(episode.is_success for episode in finished)
    at_reset = sum(bool(task.is_success(e.achieved_goal[0], e.desired_goal)) for e in finished)
    low, high = wilson_interval(successes, len(finished))
    table = Table(title=str(model), show_header=False)
    for name, value in (
        ('task', task.name),
        ('policy version', str(policy.version)),
        ('episodes', str(len(finished))),
        ('success', f'{successes / len(finished):.3f} (95 % interval {low:.3f} … {high:.3f})'),
        ('solved before the first action', str(at_reset)),
        ('mean return', f'{sum(float(e.reward.sum()) for e in finished) / len(finished):.2f}'),
    ):
        table.add_row(name, value)
    Console(markup=False).print(table)


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % confidence interval of a success rate (Wilson 1927)."""
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (centre - spread) / scale, (centre + spread) / scale
