"""Learner: time of an update, beside the matrix products alone and SB3's ``train()``.

An update is all that belongs to it: sampling, relabelling, normalisation, losses, gradients, Adam
and the targets. The limit is the same matrix products, written into memory that is there already.
SB3's DDPG does as much with its ``HerReplayBuffer``, and networks of the same size. One thread;
denormals are flushed for all.

Run: ``python bench/learner.py [--rounds 15] [--device cpu]``
"""

import argparse
from collections.abc import Callable, Iterable
from itertools import pairwise
from statistics import median

import torch
from replay import TASK, filled_learner
from table import in_turn, print_figures, print_table
from torch import Tensor

from her_ros.learning.learner import Learner, set_up_torch

STATE = TASK.observation_size + TASK.goal_size
STEPS = 100_000


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


def our_learner(hidden: list[int], batch_size: int, device: str, compiled: bool) -> Learner:
    learner = filled_learner(
        STEPS, hidden_sizes=tuple(hidden), batch_size=batch_size, device=device
    )
    if compiled:
        learner.compile()
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


def measure(
    hidden: list[int], batch_size: int, device: str, rounds: int, updates: int
) -> dict[str, float]:
    """Return the microseconds per update, ``updates`` at a time."""
    eager = our_learner(hidden, batch_size, device, compiled=False)
    compiled = our_learner(hidden, batch_size, device, compiled=True)
    alone, train = products(hidden, batch_size, device), sb3(hidden, batch_size, device)

    def synchronised(function: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            function()
            if device == 'cuda':
                torch.cuda.synchronize()

        return run

    found = in_turn(
        {
            name: synchronised(function)
            for name, function in {
                'ours': lambda: eager.update(updates),
                'ours, compiled': lambda: compiled.update(updates),
                'products alone': lambda: [alone() for _ in range(updates)],
                'SB3': lambda: train(updates),
            }.items()
        },
        rounds,
    )
    return {name: 1e6 * median(each) / updates for name, each in found.items()}


def cases(device: str) -> Iterable[tuple[list[int], int]]:
    for batch_size in (256, 2048, 16384) if device == 'cuda' else (256,):
        for width in (256, 64):
            yield [width] * 3, batch_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--updates', type=int, default=20, help='per round')
    parser.add_argument('--device', choices=('cpu', 'cuda'))
    options = parser.parse_args()
    device = options.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    set_up_torch(threads=1)
    rows, times = [], {}
    for hidden, batch_size in cases(device):
        micros = measure(hidden, batch_size, device, options.rounds, options.updates)
        times[hidden[0], batch_size] = micros
        alone, sb3_time = micros['products alone'], micros['SB3']
        ratios = (alone / micros['ours'], alone / micros['ours, compiled'])
        rows.append(
            (f'3×{hidden[0]}, batch {batch_size}', *micros.values(), *ratios,
             sb3_time / micros['ours'], sb3_time / micros['ours, compiled'])
        )  # fmt: skip
    columns = [*times[256, 256], 'alone/ours', 'alone/compiled', 'SB3/ours', 'SB3/compiled']
    print_table(f'µs per update, {device}', columns, rows)
    wide, narrow = times[256, 256], times[64, 256]
    print_figures(
        learner_vs_bound=wide['products alone'] / wide['ours'],
        learner_compiled_vs_bound=wide['products alone'] / wide['ours, compiled'],
        learner_vs_sb3=wide['SB3'] / wide['ours'],
        learner_compiled_vs_sb3=wide['SB3'] / wide['ours, compiled'],
        learner_us_3x256=wide['ours'],
        learner_compiled_us_3x256=wide['ours, compiled'],
        learner_us_3x64=narrow['ours'],
        learner_compiled_us_3x64=narrow['ours, compiled'],
    )


if __name__ == '__main__':
    main()
