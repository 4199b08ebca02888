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

"""Section of a model card with the policy's success in real time."""

from collections.abc import Sequence

HEADING = '## In real time, on the simulated robot'
LABELS = {
    'a_batch': 'batched simulation, undisturbed',
    'a_batch_filtered': 'the same, behind the safety filter',
    'b_lock_step': 'over topics in lock-step, undisturbed',
    'c_robot': 'simulated robot, bridge and policy, in real time',
}
#: a result: its name, number of episodes, success, 95 % interval
Row = tuple[str, int, float, str]


def with_section(card: str, command: str, rows: Sequence[Row], given_up: int) -> str:
    """
    Return a model card with the section at its end, in place of an earlier one.

    :param command: the command that shows the results again
    :param given_up: episodes without a result, because inputs came late
    """
    before, _, rest = card.partition(f'\n{HEADING}\n')
    _, _, after = rest.partition('\n## ')
    lines = [
        HEADING,
        '',
        '| | episodes | success (95 % interval) |',
        '|---|---|---|',
        *(
            f'| {LABELS[name]} | {episodes} | {success:.3f} ({interval}) |'
            for name, episodes, success, interval in rows
        ),
        '',
        f'Episodes given up by the bridge, whose inputs were late, and replaced: {given_up}.',
        'This shows the same again:',
        '',
        '```',
        command,
        '```',
    ]
    kept = before.rstrip('\n') + (f'\n\n## {after}'.rstrip('\n') if after else '')
    return kept + '\n\n' + '\n'.join(lines) + '\n'
