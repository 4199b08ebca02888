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
Fuzzed inputs, in process and over DDS, to every decoder and every node.

In process: bytes for the decoders of ``step`` and ``action``, contracts and policy files, and
numbers for the safety filter. Over DDS: each live node of a deployment and of a training run gets
messages on every topic that it listens to and requests to every service that it offers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
import time
from typing import Any
import warnings

from campaign.figures import Figure, Scale
from campaign.fuzz import damaged, FLOATS, INTEGERS
from campaign.processes import resident_mb
from campaign.wire_nodes import fuzz_nodes
from her_ros.config.files import shipped_model
from her_ros.config.parameters.policy import SafetyParameters
from her_ros.policy.onnx_check import check_onnx
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.policy.safety.filter import SafetyFilter
from her_ros.runtime.errors import HerRosError, one_line
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CloudDecoder, dtype_of, encode_cloud, stamp_of
from her_ros.wire.contract import PolicyContract
from her_ros.wire.rows import action_dtype, Rows, step_dtype
import numpy as np

_SEED = 1
_TASK = TASKS['FetchPush']
_LIMITS = SafetyParameters(safety_max_action=0.8)
# Inputs in process; messages and requests to each node.
_COUNTS = {
    Scale.SMALL: (4_000, 100),
    Scale.SHORT: (60_000, 2_000),
    Scale.LONG: (1_000_000, 100_000),
}
_SETTLE_S = {Scale.SMALL: 0.15, Scale.SHORT: 0.5, Scale.LONG: 0.5}
# A decoder keeps the layouts that it knows: at most 1,024, with 8 kB of head each.
_GROWTH_MB = 40.0

Case = Callable[[np.random.Generator], object]


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Fuzz; return what ended, failed, moved unsafely or grew."""
    in_process, per_node = _COUNTS[scale]
    return [*fuzz_in_process(in_process), *fuzz_nodes(per_node, folder, _SEED, _SETTLE_S[scale])]


def fuzz_in_process(count: int) -> list[Figure]:
    """Feed each decoder and the safety filter their share of random inputs."""
    cases = _cases()
    before_mb, slowest_s, unexpected, unsafe = 0.0, 0.0, 0, 0
    for case in range(count):
        if case == count // 10:
            before_mb = resident_mb_here()
        name, function = cases[case % len(cases)]
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('error')
                unsafe += bool(function(np.random.default_rng([_SEED, case])))
        except HerRosError:
            pass
        except Exception as error:
            unexpected += 1
            if unexpected <= 10:
                print(f'wire: seed {_SEED}, case {case}, {name}: {one_line(repr(error))}')
        slowest_s = max(slowest_s, time.perf_counter() - begin)
    return [
        Figure('wire_inputs', count),
        Figure('wire_unexpected_errors', unexpected, 0),
        Figure('wire_unsafe_actions', unsafe, 0),
        Figure('wire_slowest_input_s', slowest_s, 2.0),
        Figure('wire_growth_mb', max(resident_mb_here() - before_mb, 0.0), _GROWTH_MB),
    ]


def resident_mb_here() -> float:
    """Return the resident memory of this process, megabytes."""
    import os

    return resident_mb(os.getpid())


def _cases() -> Sequence[tuple[str, Case]]:
    """Return functions of a generator; they tell whether an action was unsafe."""
    dtypes = step_dtype(_TASK), action_dtype(_TASK)
    messages = [encode_cloud(np.ones(3, dtype), 1_700_000_000_000_000_000) for dtype in dtypes]
    # They live on from case to case, as those of the nodes do.
    decoders = [CloudDecoder(dtype) for dtype in dtypes]
    model = shipped_model(_TASK.name).read_bytes()
    contract = PolicyContract.of(_TASK, 1, {'run': 'run_001'}).to_json().encode()
    safety = SafetyFilter(_TASK, _LIMITS)

    def decode(random: np.random.Generator) -> None:
        which = int(random.integers(2))
        decoders[which].decode([damaged(messages[which], random)])

    def describe(random: np.random.Generator) -> None:
        message = damaged(messages[0], random)
        stamp_of(message)
        dtype_of(message)

    def read_contract(random: np.random.Generator) -> None:
        PolicyContract.from_json(damaged(contract, random).decode(errors='replace'))

    def read_policy(random: np.random.Generator) -> bool:
        content = damaged(model, random)
        check_onnx(content)
        if random.random() < 0.02:  # a session takes a thousand times as long as the check
            policy = OnnxPolicy(content, 'campaign', _TASK)
            return _unsafe(policy.act(*(rows_of(random)[name] for name in _STATE)), 1.0)
        return False

    def filter_action(random: np.random.Generator) -> bool:
        rows = rows_of(random)
        with np.errstate(over='ignore'):
            actions = _numbers(random, (len(rows), _TASK.action_size)).astype(np.float32)
        return _unsafe(safety.apply(rows, actions), _LIMITS.safety_max_action)

    return [
        ('decode', decode),
        ('describe', describe),
        ('filter', filter_action),
        ('contract', read_contract),
        ('policy', read_policy),
        ('decode', decode),
        ('filter', filter_action),
    ]


_STATE = ('observation', 'achieved_goal', 'desired_goal')


def rows_of(random: np.random.Generator) -> Rows:
    """Return ``step`` rows of different environments whose values may be anything."""
    rows = np.zeros(random.integers(1, 4), step_dtype(_TASK))
    for name in ('session', 'episode', 'step'):
        rows[name] = random.choice(INTEGERS, len(rows))
    rows['env'] = random.choice(64, len(rows), replace=False)
    for name in _STATE:
        rows[name] = _numbers(random, rows[name].shape)
    return rows


def _numbers(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    ordinary = random.normal(size=shape)
    strange = random.choice(FLOATS, shape)
    with np.errstate(over='ignore'):
        return np.where(random.random(shape) < random.choice((0.0, 0.1, 1.0)), strange, ordinary)


def _unsafe(actions: Any, limit: float) -> bool:
    return not (np.isfinite(actions).all() and (np.abs(actions) <= np.float32(limit)).all())
