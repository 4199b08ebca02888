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
Inference: ``OnnxPolicy.act`` on one state, beside torch eager, torch.jit and plain numpy.

All take the same numpy arrays, normalise, and give the same action as a numpy array. The limit is
the matrix products alone. FetchPush sizes, one thread.

Run: ``python bench/inference.py [--calls 20000]``
"""

from collections.abc import Callable
import time

from her_ros.config.parameters.learner import LearnerParameters
from her_ros.learning.learner import Learner
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.tasks.registry import TASKS
import numpy as np
from numpy.typing import NDArray
from options import Options, whole
from table import print_figures, print_table
import torch

TASK = TASKS['FetchPush']
# Long enough that a contestant finds the caches as it left them, as in a control loop it would.
CALLS_AT_ONCE = 100

Act = Callable[[NDArray, NDArray, NDArray], NDArray]


class TorchPolicy(torch.nn.Module):
    """The learner's own policy, its layers as parameters."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        layers = learner.agent.online.actor
        self.layers = torch.nn.ModuleList()
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
            layer.load_state_dict({'weight': weight, 'bias': bias})
            self.layers.append(layer)
        self.normalizers = learner.normalizers

    def forward(self, observation: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
        """Return actions."""
        normalize = self.normalizers
        state = torch.cat((normalize['observation'](observation), normalize['goal'](goal)), -1)
        for layer in self.layers[:-1]:
            state = torch.relu(layer(state))
        return torch.tanh(self.layers[-1](state))


def with_torch(module: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Act:
    def act(observation: NDArray, _: NDArray, goal: NDArray) -> NDArray:
        with torch.inference_mode():
            return module(torch.from_numpy(observation), torch.from_numpy(goal)).numpy()

    return act


def with_numpy(policy: TorchPolicy) -> Act:
    layers = [(x.weight.detach().numpy().T.copy(), x.bias.detach().numpy()) for x in policy.layers]
    statistics = [(n.mean.numpy(), n.std.numpy()) for n in policy.normalizers.values()]

    def act(observation: NDArray, _: NDArray, goal: NDArray) -> NDArray:
        parts = []
        for values, (mean, std) in zip((observation, goal), statistics, strict=True):
            values = values.clip(-200.0, 200.0).astype(np.float32)
            parts.append(((values - mean) / std).clip(-5.0, 5.0))
        state = np.concatenate(parts, -1)
        for weight, bias in layers[:-1]:
            state = np.maximum(state @ weight + bias, 0.0)
        weight, bias = layers[-1]
        return np.tanh(state @ weight + bias)

    return act


def products(policy: TorchPolicy) -> Act:
    weights = [np.ascontiguousarray(layer.weight.detach().numpy().T) for layer in policy.layers]
    values = [np.full((1, len(weight)), 0.1, np.float32) for weight in weights]
    values.append(np.empty((1, TASK.action_size), np.float32))

    def act(*_: NDArray) -> NDArray:
        for i, weight in enumerate(weights):
            np.dot(values[i], weight, out=values[i + 1])
        return values[-1]

    return act


def state() -> tuple[NDArray, NDArray, NDArray]:
    generator = np.random.default_rng(0)
    return (
        generator.normal(size=(1, TASK.observation_size)),
        generator.normal(size=(1, TASK.goal_size)),
        generator.normal(size=(1, TASK.goal_size)),
    )


def measure(width: int, calls: int) -> dict[str, NDArray]:
    """Return the microseconds of every call."""
    learner = Learner(TASK, LearnerParameters(hidden_sizes=(width,) * 3, device='cpu'))
    learner.normalizers['observation'].update(torch.randn(1000, TASK.observation_size))
    learner.normalizers['goal'].update(torch.randn(1000, TASK.goal_size))
    module = TorchPolicy(learner).eval()
    example = state()
    with torch.inference_mode():
        inputs = (torch.from_numpy(example[0]), torch.from_numpy(example[2]))
        traced = torch.jit.optimize_for_inference(torch.jit.trace(module, inputs))
    contestants: dict[str, Act] = {
        'ours': OnnxPolicy(learner.policy(1, {}), 'bench').act,
        'numpy': with_numpy(module),
        'torch.jit': with_torch(traced),
        'torch eager': with_torch(module),
    }
    for name, act in contestants.items():
        assert np.allclose(act(*example), contestants['ours'](*example), atol=1e-5), name
    contestants['products alone'] = products(module)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(calls // CALLS_AT_ONCE):
        for name, act in contestants.items():
            for call in range(-10, CALLS_AT_ONCE):
                begin = time.perf_counter()
                act(*example)
                if call >= 0:
                    times[name].append(1e6 * (time.perf_counter() - begin))
    return {name: np.array(each) for name, each in times.items()}


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--calls', type=whole(CALLS_AT_ONCE), default=20_000)
    calls = parser.parse_args().calls
    torch.set_num_threads(1)
    rows, ours = [], {}
    for width in (256, 64):
        times = measure(width, calls)
        ours[width] = times['ours']
        for name, each in times.items():
            p50, p99 = np.percentile(each, (50, 99)).tolist()
            ratio = p50 / float(np.median(times['ours']))
            rows.append((f'3×{width}, {name}', p50, p99, ratio))
    print_table('µs per action', ('p50', 'p99', 'of ours'), rows)
    print_figures(
        act_p50_us=float(np.percentile(ours[256], 50)),
        act_p99_us=float(np.percentile(ours[256], 99)),
        act_p50_us_3x64=float(np.percentile(ours[64], 50)),
        act_p99_us_3x64=float(np.percentile(ours[64], 99)),
    )


if __name__ == '__main__':
    main()
