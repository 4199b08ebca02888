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

"""
Fine-tune a policy from episodes of one robot whose physics and latency differ from training.

The robot is a simulated one in simulated time (``bench/robot_loop.py``); what it draws of the
disturbances stays the same in all episodes. The policy acts on it with exploration noise, the
episodes become bags, ``train-offline --from`` learns from them, and both policies are evaluated
over the same start states, which the recorded episodes did not have.

A run folder also gives its critics, see docs/how_to/robust.md.

Run: ``python bench/fine_tune.py --out /tmp/fine_tune --start runs/FetchPush/run_001``
"""

from pathlib import Path

from her_ros.analysis.results import wilson_interval
from her_ros.bags.writer import write_rollout
from her_ros.config.files import shipped_model
from her_ros.orchestration.prepare import start_override
from her_ros.orchestration.train_offline import train_offline, TrainOfflineOptions
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.robot.bridge.tracks import Track
from her_ros.tasks.registry import task_named
from options import Options, SEED, whole
from robot_loop import RobotLoop
from table import print_table

# Of the bridge's fit, where poses have no noise; of the exploration of training.
_WINDOW_S, _NOISE_STD = 0.03, 0.2


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--task', default='FetchPush')
    parser.add_argument(
        '--start',
        type=Path,
        help='policy or run folder to start from; default: the shipped policy',
    )
    parser.add_argument('--regularizer', default='td3_bc', help='offline regularizer')
    parser.add_argument(
        '--disturb', default='friction_scale:2,mass_scale:2,latency_periods:2', help='the robot'
    )
    parser.add_argument('--robot', type=SEED, default=0, help='seed of what the robot is like')
    parser.add_argument('--recorded', type=whole(1), default=200, help='episodes to learn from')
    parser.add_argument(
        '--evaluated', type=whole(1), default=100, help='episodes of the evaluation'
    )
    parser.add_argument('--updates', type=whole(1), default=10_000)
    parser.add_argument('--out', type=Path, required=True)
    options = parser.parse_args()
    task = task_named(options.task)
    start = options.start or shipped_model(options.task)
    model = start / 'policy.onnx' if start.is_dir() else start
    loop = RobotLoop(task, OnnxPolicy.load(model, task), options.disturb, options.robot)
    loop.disturber.begin(options.robot)
    print(*(f'{name}={value}' for name, value in loop.disturber.shown().items()))
    bags = options.out / 'bags'
    bags.mkdir(parents=True)
    for number in range(options.recorded):
        rows = loop.episode(number, Track(_WINDOW_S), _NOISE_STD)[0].rows
        rows['episode'] = number + 1
        messages = [rows[step:][:1] for step in range(len(rows))]
        write_rollout(bags, f'{number:05d}', {'task': task.name}, messages, period_s=0.04)
    tuned = options.out / 'tuned'
    overrides = [
        *start_override(start),
        f'trainer.offline_regularizer={options.regularizer}',
        'trainer.device=cpu',
    ]
    train_offline(
        TrainOfflineOptions([bags], '', '', tuned, options.updates, None, overrides, False)
    )
    table = []
    for name, path in (('before', model), ('after', tuned / 'policy.onnx')):
        for where, disturb in (('this robot', options.disturb), ('as in training', '')):
            loop = RobotLoop(task, OnnxPolicy.load(path, task), disturb, options.robot)
            numbers = range(options.recorded, options.recorded + options.evaluated)
            found = [loop.episode(number, Track(_WINDOW_S))[1] for number in numbers]
            low, high = wilson_interval(sum(found), len(found))
            share = sum(found) / len(found)
            table.append((f'{name}, {where}', len(found), share, f'{low:.3f} to {high:.3f}'))
    print_table(f'{task.name}, {options.disturb}', ('episodes', 'success', 'interval'), table)


if __name__ == '__main__':
    main()
