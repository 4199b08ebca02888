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

"""The learner: stores episodes, makes updates and exports policies."""

from collections.abc import Iterable, Mapping
from typing import Any

from her_ros import __version__
from her_ros.config.parameters.learner import AGENTS, LearnerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.cuda_graph import UpdateGraphs
from her_ros.learning.acceleration.ranks import Ranks
from her_ros.learning.agents.actor_critic import Algorithm, Inputs, NO_NOISE
from her_ros.learning.agents.agent import Agent
from her_ros.learning.export import PolicyGraph
from her_ros.learning.network_inputs import NetworkInputs
from her_ros.learning.replay.batch import Batch, SampleNoise
from her_ros.learning.replay.buffer import Replay
from her_ros.learning.replay.priorities import TdErrorPriorities
from her_ros.learning.torch_private import compile_backward_passes
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.seeds import integer_seed
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.contract import PolicyContract
import torch
from torch import Tensor


class LearnerError(HerRosError):
    """A learner that cannot run as configured, or whose weights are no longer finite."""


def device_named(name: str) -> torch.device:
    """
    Choose the device: ``auto`` is CUDA if torch finds a GPU.

    :raises LearnerError: if CUDA is demanded and absent
    """
    if name == 'cuda' and not torch.cuda.is_available():
        raise LearnerError('device is cuda, but torch finds no GPU', 'use device: auto or cpu')
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    return torch.device(name)


def set_up_torch(threads: int) -> None:
    """
    Prepare torch in the process that learns.

    Dead ReLU units carry Adam's moments into denormals, which make products 20 times slower.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


class Learner:
    """
    An agent with Hindsight Experience Replay; it uses no files, processes or clocks.

    Two generators draw: ``update`` for the batches, ``ingest`` for the goals that the normalisers
    see. Storing an episode draws nothing, so that a buffer can be rebuilt after a restart.

    :param ranks: the processes of distributed training; None for a single process
    :raises LearnerError: if it cannot run as configured
    """

    def __init__(
        self, task: GoalTask, parameters: LearnerParameters, ranks: Ranks | None = None
    ) -> None:
        self.task = task
        self.parameters = parameters
        self.ranks = ranks or Ranks()
        if parameters.priority_kind == 'td_error' and self.ranks.count > 1:
            # Each has its own, and a checkpoint keeps those of one.
            raise LearnerError(
                f'priority.kind td_error is for one process, and there are {self.ranks.count}',
                'choose priority.kind energy or none, or start one',
            )
        self.device = device_named(parameters.device)
        self.replay = Replay(task, parameters, self.device)
        self._network_inputs = NetworkInputs(task, parameters, self.device)
        #: normalisers of observations and goals
        self.normalizers = self._network_inputs.normalizers
        self.algorithm: Algorithm = AGENTS[parameters.agent](task, parameters)
        initial = torch.Generator().manual_seed(integer_seed(parameters.seed, 'parameters'))
        self.agent = Agent(self.algorithm, parameters, initial, self.device)
        self._generators = {
            role: torch.Generator(self.device).manual_seed(
                integer_seed(parameters.seed, role, self.ranks.rank)
            )
            for role in ('update', 'ingest')
        }
        self._run_gradients = self._gradients
        # The exchange between ranks is not captured.
        captured = self.device.type == 'cuda' and self.ranks.count == 1
        self._graphs = UpdateGraphs(self, self._generators['update']) if captured else None
        #: whether :meth:`compile` was called
        self.compiled = False
        self._graph = PolicyGraph(task, self.algorithm.policy_nodes(), parameters.relative_goals)
        self.env_steps = 0
        self.episodes = 0
        self.updates = 0

    def ingest(self, episodes: Iterable[Episode]) -> None:
        """
        Store episodes and update the normalisers with them.

        As in updates, goals are relabelled and states transformed by the symmetries.
        """
        spec = self.replay.noise_spec._replace(candidates=0)
        for episode in episodes:
            first_row = self.replay.add(episode)
            length = len(episode)
            sample_noise = SampleNoise.random(length, self._generators['ingest'], spec)
            batch = self.replay.sample_episode(first_row, length, sample_noise)
            self._network_inputs.update_normalizers(batch)
            self.env_steps += length
            self.episodes += 1

    def restore(self, episodes: Iterable[Episode]) -> None:
        """Store episodes that the loaded state includes already; nothing else changes."""
        for episode in episodes:
            self.replay.add(episode)

    def state(self, observation: Tensor, achieved_goal: Tensor, goal: Tensor) -> Tensor:
        """Return the networks' view of observations and goals, shape (n, O + G)."""
        return self._network_inputs.state(observation, achieved_goal, goal)

    def inputs(self, batch: Batch, noise: Tensor = NO_NOISE) -> Inputs:
        """Normalise a batch; ``noise`` are the random numbers of the algorithm for it."""
        return self._network_inputs.of_batch(batch, noise)

    def update(self, count: int) -> dict[str, float]:
        """
        Make ``count`` updates.

        :return: losses and statistics of the last one
        :raises LearnerError: if there is nothing to learn from, or the losses are no longer finite
        """
        if not len(self.replay):
            raise LearnerError('no episodes yet', 'add some before the first update')
        losses: dict[str, Tensor] = {}
        if self._graphs is not None:
            losses = self._graphs.run(count)
        else:
            for _ in range(count):
                losses = self.update_once()
        self.updates += count
        # All at once, since each read from the device waits for it.
        together = torch.stack([*losses.values()]).tolist() if losses else []
        values = dict(zip(losses, together, strict=True))
        if not all(map(_is_finite, values.values())):
            raise LearnerError(
                f'after {self.updates} updates the losses are {values}',
                'lower the learning rates, and look for outliers in the bags',
            )
        return values

    def update_once(self) -> dict[str, Tensor]:
        """Make one update without counting or checking it, and without waiting for the device."""
        count, generator = self.parameters.batch_size, self._generators['update']
        sample_noise = SampleNoise.random(count, generator, self.replay.noise_spec)
        noise = self.algorithm.noise(count, generator)
        gradients, losses = self._run_gradients(sample_noise, noise)
        self.ranks.average(gradients)
        self.agent.apply(gradients)
        if isinstance(self.replay.priorities, TdErrorPriorities):
            self.replay.priorities.note(losses.pop('row'), losses.pop('td_error'))
        return losses

    def _gradients(
        self, sample_noise: SampleNoise, noise: Tensor = NO_NOISE
    ) -> tuple[dict[str, list[Tensor]], dict[str, Tensor]]:
        """Sample, relabel, normalise, differentiate: tensors in, tensors out, nothing changed."""
        batch = self.replay.gather(sample_noise, self.agent.steps)
        gradients, losses = self.agent.gradients(self.inputs(batch, noise))
        if batch.weight is not None:
            losses['row'] = batch.row
        # Before the object moves nearly every relabelled goal is reached; worth watching.
        return gradients, {**losses, 'reached_share': (batch.reward == 0).float().mean()}

    def compile(self) -> None:  # noqa: A003
        """
        Compile the updates; this takes seconds from torch's cache, otherwise longer.

        Rounding differs from uncompiled updates, so a resumed run must compile as before.

        :raises LearnerError: if there is no compiler, or it fails
        """
        compile_backward_passes()
        # What calls the kernels is C++ too; and biases are added where ReLU is applied, instead of
        # being copied in front of each product.
        options: dict[str, Any] = {
            'cpp_wrapper': self.device.type == 'cpu',
            'pattern_matcher': False,
        }
        compiled = torch.compile(self._gradients, fullgraph=True, options=options)
        # This changes no state, so a failure shows here rather than in the next update.
        count = self.parameters.batch_size
        spec = self.replay.noise_spec
        zeros = torch.zeros((spec.rows, count), dtype=torch.float64, device=self.device)
        noise = self.algorithm.noise(count, torch.Generator(self.device))
        try:
            compiled(SampleNoise.of(zeros, spec), noise)
        except Exception as error:  # of any kind, and of many lines
            reason = ' '.join(str(error).split()) or type(error).__name__
            raise LearnerError(
                f'torch.compile failed: {reason[:300]}', 'install a C++ compiler such as g++'
            ) from None
        self._run_gradients, self.compiled = compiled, True
        if self._graphs is not None:
            self._graphs.clear()

    def policy_constants(self) -> Mapping[str, Tensor]:
        """Return the constants of the policy's ONNX nodes by name."""
        return self.algorithm.policy_constants(self.agent.policy)

    def policy(self, version: int, provenance: Mapping[str, str]) -> bytes:
        """Return the current policy as an ONNX file with its contract inside."""
        return self._graph.to_bytes(
            self.policy_constants(),
            self.normalizers['observation'],
            self.normalizers['goal'],
            PolicyContract.of(
                self.task,
                version,
                {
                    'her_ros': __version__,
                    'env_steps': str(self.env_steps),
                    'updates': str(self.updates),
                    'seed': str(self.parameters.seed),
                    **provenance,
                },
            ),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the buffer, which the bags hold."""
        priorities = self.replay.priorities
        return {
            **({} if priorities is None else {'priorities': priorities.state_dict()}),
            'agent': self.agent.state_dict(),
            'normalizers': {name: n.state_dict() for name, n in self.normalizers.items()},
            'generators': self.generators(),
            'counters': [self.env_steps, self.episodes, self.updates],
        }

    @property
    def form(self) -> dict[str, Any]:
        """
        Form of :meth:`state_dict`.

        See :func:`~her_ros.learning.training.checkpoint_form.check_form`.
        """
        counters = (int, int, int)
        return {**self.state_dict(), 'generators': self.generators_form, 'counters': counters}

    @property
    def generators_form(self) -> dict[str, torch.Generator]:
        """Form of :meth:`generators`."""
        return dict(self._generators)

    def generators(self) -> dict[str, Tensor]:
        """Return the states of the random generators; each rank has its own."""
        return {name: generator.get_state() for name, generator in self._generators.items()}

    def load_generators(self, states: Mapping[str, Tensor]) -> None:
        """Load the states that :meth:`generators` returned."""
        for name, generator in self._generators.items():
            generator.set_state(states[name].cpu())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the state that :meth:`state_dict` returned."""
        self.agent.load_state_dict(state['agent'])
        for name, normalizer in self.normalizers.items():
            normalizer.load_state_dict(state['normalizers'][name])
        if self.replay.priorities is not None:
            self.replay.priorities.load_state_dict(state['priorities'])
        self.load_generators(state['generators'])
        self.env_steps, self.episodes, self.updates = state['counters']


def _is_finite(value: float) -> bool:
    return value - value == 0.0
