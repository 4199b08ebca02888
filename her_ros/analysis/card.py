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

"""``her-ros card``: export a run's best policy with a model card."""

from collections.abc import Sequence
from importlib.metadata import version
import os
from pathlib import Path
import platform
from typing import Any

from her_ros.analysis.disturbed import COLUMNS, disturbed_results, measurable
from her_ros.analysis.evaluate import evaluated, evaluated_task, OnTask, require_drawable
from her_ros.analysis.run_report.source import RunSource
from her_ros.arms.registry import ARMS
from her_ros.config.files import read_run_file, to_yaml
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.learning.training.checkpoint_form import load_log
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256, write_whole
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.run_result import read_result
from her_ros.runtime.states import Outcome
from rich.console import Console

_PACKAGES = ('her_ros', 'mujoco', 'gymnasium-robotics', 'torch', 'numpy', 'onnx', 'onnxruntime')


# File and number of the episodes that a card shows in motion.
_VIDEO, _FILMED = 'policy.webp', 4


def card(
    run: Path,
    out: Path,
    protocol: EvaluationProtocol,
    video: bool = False,
    disturb: str = '',
    arm: str = '',
) -> None:
    """
    Evaluate the best policy of a finished run; write ``policy.onnx`` and ``README.md``.

    :param video: whether to film some episodes, too, into ``policy.webp``
    :param disturb: disturbances to measure as well; empty: none
    :param arm: arm of the run, by name or path; empty: as the parameters of the run name it
    :raises HerRosError: if the run has not finished, its policy cannot be read, or it cannot be
        disturbed or filmed so
    """
    folder = RunFolder(run)
    if not folder.result.exists():
        raise HerRosError('no result.json', 'only a finished run gets a card', source=folder.path)
    result = read_result(folder.result)
    policy = OnnxPolicy.load(folder.policy)
    versions = [each for each in result['evaluations'] if each['sha256'] == policy.sha256]
    if not versions:
        raise HerRosError(
            f'none of the policies that {folder.result} tells of',
            'put the policy.onnx of this run back',
            folder.policy,
        )
    log = load_log(folder.checkpoint)
    on = OnTask(arm=arm or RunSource(folder).arm)
    task = evaluated_task(policy, on)
    disturbances = measurable(task, disturb)
    if video:
        require_drawable(task)
    found, successes = evaluated(policy, protocol, on)
    disturbed = (
        [
            result.cells()
            for result in disturbed_results(policy, task, disturbances, protocol, successes)
        ]
        if disturbances
        else []
    )
    out.mkdir(parents=True, exist_ok=True)
    rows = {**found, **_training(result, versions[-1], policy, log)}
    text = card_text(folder, result, rows, out / 'policy.onnx')
    if disturbed:
        text += _disturbed_text(disturb, disturbed)
    if video:
        from her_ros.analysis.film import write_film

        write_film(policy, task, _FILMED, out / _VIDEO)
        text += f'\n![The first {_FILMED} of the evaluated episodes]({_VIDEO})\n'
    write_whole(out / 'policy.onnx', folder.policy.read_bytes())
    write_whole(out / 'README.md', text.encode())
    Console(markup=False).print(f'{out / "README.md"}: success {found["success"]}', soft_wrap=True)


def _training(
    result: dict[str, Any],
    evaluated_at: dict[str, Any],
    policy: OnnxPolicy,
    log: list[tuple[str, str]],
) -> dict[str, str]:
    return {
        'env steps': f'{evaluated_at["env_steps"]:,} (the whole run: {result["env_steps"]:,})',
        'updates': f'{evaluated_at["updates"]:,}',
        'wall clock': f'{evaluated_at["wall_s"]:.0f} s (the whole run, evaluations included:'
        f' {result["wall_s"]:.0f} s)',
        'run ended': f'{result["outcome"]}, after {len(result["evaluations"])} evaluations',
        'seed': str(result['seed']),
        'SHA-256 of policy.onnx': f'`{policy.sha256}`',
        'SHA-256 of its bags': f'`{bags_digest(log)}` ({len(log):,} bags)',
        'card written on': _machine(),
        'with': ', '.join(f'{name} {version(name)}' for name in _PACKAGES),
    }


def card_text(folder: RunFolder, result: dict[str, Any], rows: dict[str, str], model: Path) -> str:
    """
    Return the text of a card.

    :param rows: rows of its table; ``episodes`` is among them, and ``arm`` of an arm task
    :param model: where the card's policy stands
    """
    disturb = RunSource(folder).disturb
    chosen = f'were disturbed by `{disturb}`' if disturb else 'are the first of them'
    name = rows.get('arm', '')
    is_own = bool(name) and name not in ARMS
    arm = f' --arm {name}{".yaml" * is_own}' if name else ''
    lines = [
        f'# {result["task"]}',
        '',
        f'A policy trained from {_origin(result)} --task {result["task"]}{arm}` with the'
        f' parameters below. Evaluated over {rows["episodes"]} deterministic episodes from start'
        " states that training never drew; the run's evaluations, by which this version was"
        f' chosen, {chosen}. This shows the same again:',
        '',
        '```',
        f'her-ros evaluate {model} --episodes {rows["episodes"]}{arm * is_own}',
        '```',
        '',
        '| | |',
        '|---|---|',
        *(f'| {name} | {value} |' for name, value in rows.items()),
        '',
        "The digest of the bags is the SHA-256 of the lines `<name> <bag's SHA-256>` in the order"
        ' in which they were read.',
        '',
        '```yaml',
        to_yaml(read_run_file(folder.params)).strip(),
        '```',
        '',
    ]
    return '\n'.join(lines)


def _disturbed_text(disturb: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [
        f'## Disturbed: `{disturb}`',
        '',
        'Success over as many episodes, with the 95 % interval, under each disturbance alone and'
        ' all together (docs/how_to/robust.md). `her-ros evaluate` shows the same with'
        f' `--disturb {disturb}`.',
        '',
        f'| {" | ".join(COLUMNS)} |',
        '|---' * len(COLUMNS) + '|',
        *(f'| {" | ".join(row)} |' for row in rows),
        '',
    ]
    return '\n' + '\n'.join(lines)


def _origin(result: dict[str, Any]) -> str:
    offline = result['outcome'] == Outcome.TRAINED
    return 'recorded bags by `her-ros train-offline' if offline else 'scratch by `her-ros train'


def bags_digest(log: list[tuple[str, str]]) -> str:
    """Return one digest of all bags a run has read, in their order."""
    return sha256(''.join(f'{name} {digest}\n' for name, digest in log).encode())


def _machine() -> str:
    names = [
        line.split(':', 1)[1].strip()
        for line in Path('/proc/cpuinfo').read_text('utf-8', errors='replace').splitlines()
        if line.startswith('model name')
    ]
    return f'{os.cpu_count()} cores, {names[0] if names else platform.processor()}'
