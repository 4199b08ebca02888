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
Learner: time of an update, beside the matrix products alone and SB3's ``train()``.

An update is all that belongs to it: sampling, relabelling, normalisation, losses, gradients, Adam
and the targets. The limit is the same matrix products, written into memory that is there already;
on a GPU they are captured in one CUDA graph, so that no launch counts. There our updates are
captured too, and measured as they stand beside that. SB3's DDPG does as much with its
``HerReplayBuffer``, and networks of the same size. One thread; denormals are flushed for all.

Needs torch, numpy and onnx; SB3 is measured where it and the simulation are installed.

Run: ``python bench/learner.py [--rounds 15] [--device cpu]``
"""

from collections.abc import Callable, Iterable
import importlib.util
from itertools import pairwise
import math
from statistics import median
from typing import Any

from her_ros.learning.acceleration.cuda_graph import capture, UPDATES_PER_GRAPH, warm_up
from her_ros.learning.learner import Learner, LearnerError, set_up_torch
from options import Options, whole
from replay import filled_learner, SYMMETRIES, TASK
from table import in_turn, print_figures, print_table
import torch
from torch import Tensor

STATE = TASK.observation_size + TASK.goal_size
STEPS = 100_000
#: the ways in which we make updates, by their names in the line of figures
OURS = {
    'learner': 'ours',
    'learner_uncaptured': 'ours, uncaptured',
    'learner_compiled': 'ours, compiled',
    'learner_symmetries': 'ours, symmetries',
    'learner_symmetries_compiled': 'ours, symmetries, compiled',
}
COMPILED, SYMMETRIC = 'ours, compiled', 'ours, symmetries, compiled'
#: time of a compiled update with symmetries, of one without
COST = 'symmetries, compiled'
SB3_NEEDS = ('stable_baselines3', 'gymnasium', 'gymnasium_robotics', 'mujoco')


class Products:
    """The matrix products of one perceptron on a batch, and nothing between them."""

    def __init__(self, sizes: list[int], batch_size: int, device: str) -> None:
        def empty(*shape: int) -> Tensor:
            return torch.full(shape, 0.1, device=device)

        self._weights = [empty(outputs, inputs) for inputs, outputs in pairwise(sizes)]
        self._gradients = [empty(*weight.shape) for weight in self._weights]
        self._values = [empty(batch_size, size) for size in sizes]
        self._deltas = [empty(batch_size, size) for size in sizes]

    def forward(self) -> None:
        """Compute the values of every layer."""
        for i, weight in enumerate(self._weights):
            torch.mm(self._values[i], weight.t(), out=self._values[i + 1])

    def weights_back(self) -> None:
        """Compute the gradients of every weight."""
        for i, gradient in enumerate(self._gradients):
            torch.mm(self._deltas[i + 1].t(), self._values[i], out=gradient)

    def inputs_back(self, down_to: int) -> None:
        """Compute the gradients of the inputs of the last layer, the one before, and so on."""
        for i in range(len(self._weights) - 1, down_to - 1, -1):
            torch.mm(self._deltas[i + 1], self._weights[i], out=self._deltas[i])


def products(hidden: list[int], batch_size: int, device: str) -> Callable[[], None]:
    """Return the products of an update of DDPG."""
    actor = Products([STATE, *hidden, TASK.action_size], batch_size, device)
    critic = Products([STATE + TASK.action_size, *hidden, 1], batch_size, device)

    def update() -> None:
        actor.forward()  # targets
        critic.forward()
        critic.forward()  # critic loss; its inputs need no gradient
        critic.weights_back()
        critic.inputs_back(down_to=1)
        actor.forward()  # actor loss; the critic's weights need none, its inputs do
        critic.forward()
        critic.inputs_back(down_to=0)
        actor.weights_back()
        actor.inputs_back(down_to=1)

    return update


def captured(function: Callable[[], object]) -> Callable[[], object]:
    """Return a function that does the same without the cost of launching kernels."""
    warm_up(function)
    graph, _ = capture(function)
    return graph.replay


def our_learner(hidden: list[int], batch_size: int, device: str, **parameters: Any) -> Learner:
    sizes = {'hidden_sizes': tuple(hidden), 'batch_size': batch_size}
    return filled_learner(STEPS, device=device, **sizes, **parameters)


def compiled_learner(
    hidden: list[int], batch_size: int, device: str, **parameters: Any
) -> Learner | None:
    """Return a learner with compiled updates, if there is a compiler."""
    learner = our_learner(hidden, batch_size, device, **parameters)
    try:
        learner.compile()
    except LearnerError as error:
        print(f'not measured, compiled: {error}')
        return None
    return learner


def sb3(hidden: list[int], batch_size: int, device: str) -> Callable[[int], None]:
    """Return SB3's ``train`` for a number of updates."""
    from replay import filled_sb3
    from stable_baselines3 import DDPG
    from stable_baselines3.common.logger import configure

    buffer, normalize = filled_sb3(STEPS)
    model = DDPG(
        'MultiInputPolicy',
        normalize.venv,
        batch_size=batch_size,
        policy_kwargs={'net_arch': hidden},
        buffer_size=1,
        device=device,
    )
    buffer.device = model.device
    model.replay_buffer = buffer
    model.set_logger(configure(None, []))
    return lambda count: model.train(count, batch_size)


def contestants(
    hidden: list[int], batch_size: int, device: str, updates: int
) -> dict[str, Callable[[], object]]:
    """Return the functions that make ``updates`` updates, by name."""
    ours = our_learner(hidden, batch_size, device)
    mirrored = our_learner(hidden, batch_size, device, **SYMMETRIES)
    alone = products(hidden, batch_size, device)

    def all_products() -> None:
        for _ in range(updates):
            alone()

    found: dict[str, Callable[[], object]] = {
        'ours': lambda: ours.update(updates),
        'ours, symmetries': lambda: mirrored.update(updates),
    }
    if device == 'cuda':
        plain = our_learner(hidden, batch_size, device)
        found['ours, uncaptured'] = lambda: [plain.update_once() for _ in range(updates)]
    if (compiled := compiled_learner(hidden, batch_size, device)) is not None:
        found['ours, compiled'] = lambda: compiled.update(updates)
    with_symmetries = compiled_learner(hidden, batch_size, device, **SYMMETRIES)
    if with_symmetries is not None:
        found['ours, symmetries, compiled'] = lambda: with_symmetries.update(updates)
    found['products alone'] = captured(all_products) if device == 'cuda' else all_products
    if device == 'cuda':
        found['products, uncaptured'] = all_products
    if all(map(importlib.util.find_spec, SB3_NEEDS)):
        train = sb3(hidden, batch_size, device)
        found['SB3'] = lambda: train(updates)
    return found


def measure(
    hidden: list[int], batch_size: int, device: str, rounds: int, updates: int
) -> dict[str, float]:
    """Return the microseconds per update, ``updates`` at a time."""

    def synchronised(function: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            function()
            if device == 'cuda':
                torch.cuda.synchronize()

        return run

    all_of_them = contestants(hidden, batch_size, device, updates)
    found = in_turn({name: synchronised(each) for name, each in all_of_them.items()}, rounds)
    micros = {name: 1e6 * median(each) / updates for name, each in found.items()}
    if COMPILED in found:
        pairs = zip(found[SYMMETRIC], found[COMPILED], strict=True)
        micros[COST] = median(with_them / without for with_them, without in pairs)
    return micros


def cases(device: str) -> Iterable[tuple[list[int], int]]:
    for batch_size in (256, 2048, 16384) if device == 'cuda' else (256,):
        for width in (256, 64):
            yield [width] * 3, batch_size


def ratios(micros: dict[str, float]) -> dict[str, float]:
    """Return how the limit and SB3 compare to each way in which we make updates."""
    return {
        f'{other.split()[0]}/{name}': micros[other] / micros[name]
        for other in ('products alone', 'SB3')
        for name in OURS.values()
        if other in micros and name in micros
    }


def figures(wide: dict[str, float], narrow: dict[str, float]) -> dict[str, float]:
    found = {}
    for key, name in OURS.items():
        if name in wide:
            found[f'{key}_vs_bound'] = wide['products alone'] / wide[name]
            if 'SB3' in wide:
                found[f'{key}_vs_sb3'] = wide['SB3'] / wide[name]
            found[f'{key}_us_3x256'] = wide[name]
            found[f'{key}_us_3x64'] = narrow.get(name, math.nan)
    if COST in narrow:
        found['compiled_symmetries_vs_none'] = narrow[COST]
    return found


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=15)
    parser.add_argument(
        '--updates', type=whole(1), default=3 * UPDATES_PER_GRAPH, help='per round'
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'))
    options = parser.parse_args()
    device = options.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    set_up_torch(threads=1)
    times = {}
    for hidden, batch_size in cases(device):
        times[hidden[0], batch_size] = measure(
            hidden, batch_size, device, options.rounds, options.updates
        )
    columns = [*times[256, 256], *ratios(times[256, 256])]
    rows = []
    for (width, batch_size), micros in times.items():
        values = {**micros, **ratios(micros)}
        name = f'3×{width}, batch {batch_size}'
        rows.append((name, *(values.get(column, math.nan) for column in columns)))
    print_table(f'µs per update, {device}', columns, rows)
    print_figures(**figures(times[256, 256], times[64, 256]))


if __name__ == '__main__':
    main()
