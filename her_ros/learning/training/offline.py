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

"""Train from existing bags: no environment, no ROS, the same learner."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
import time
from typing import Any, Protocol

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.ranks import Ranks
from her_ros.learning.learner import Learner
from her_ros.learning.training.bag_training import BagTraining, RecordScalar
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.checkpoint_form import check_form, load_log
from her_ros.learning.training.evaluation import Evaluation
from her_ros.learning.training.warm_start import warm_start
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256, write_whole
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.states import Outcome
from her_ros.tasks.goal_task import GoalTask

# If the bags hold more than the buffer, new episodes replace the oldest ones once each stored
# transition was sampled this often, on average.
_DRAWS_PER_TRANSITION = 4
# Updates between two looks at the clock.
_SLICE = 100

#: runs the policy of an ONNX file, and returns the episodes
Evaluate = Callable[[bytes], Sequence[Episode]]


class OfflineError(HerRosError):
    """Bags or a checkpoint that cannot be learned from."""


class Episodes(Protocol):
    """Source of episodes; both orders are reproducible."""

    def in_order(self) -> Iterator[Episode]:
        """Read every episode once."""

    def shuffled(self) -> Iterator[Episode]:
        """Read the episodes in endless passes, each pass in another order."""


class OfflineTraining(BagTraining):
    """
    Fills a learner from episodes and makes a number of updates.

    If the episodes fit into the replay buffer, they are read once, in order, as in online
    training. Otherwise the buffer holds a window that moves along a shuffled stream, and the
    normalisers use the first filling only. Nothing depends on time, so a run with the same seed is
    bit for bit the same.

    :param folder: where checkpoint, policy and result go
    :param source: the episodes of this rank
    :param log: names and digests of the bags, in order
    :param updates: total number of updates
    :param evaluate: evaluates the policy ten times during training; None for no evaluations
    """

    def __init__(
        self,
        task: GoalTask,
        parameters: TrainerParameters,
        folder: RunFolder,
        source: Episodes,
        log: Sequence[tuple[str, str]],
        updates: int,
        ranks: Ranks | None = None,
        evaluate: Evaluate | None = None,
        record: RecordScalar = lambda name, value, step: None,
    ) -> None:
        self.ranks = ranks or Ranks()
        learner = Learner(task, parameters, self.ranks)
        super().__init__(task, parameters, folder, learner, record)
        #: whether the bags hold more than the buffer
        self.is_streaming = False
        self._source = source
        self._stream: Iterator[Episode] = iter(())
        self._log = [*log]
        self._updates = updates
        self._evaluate_policy = evaluate
        self._read = 0  # transitions, once the buffer was filled
        self._saved_at = time.monotonic()

    @property
    def remaining(self) -> int:
        """Return the number of updates left."""
        return max(0, self._updates - self.learner.updates)

    @property
    def should_compile(self) -> bool:
        """Whether compiling the updates pays; depends on counts alone, so it is reproducible."""
        threshold, learner = self.parameters.compile_after, self.learner
        on_cpu = learner.device.type == 'cpu'
        return on_cpu and not learner.compiled and 0 < threshold < self.remaining

    def begin(self) -> bool:
        """
        Fill the buffer, and resume from the folder's checkpoint if there is one.

        Without one, weights and normalisers are those of the parameter ``start_from``.

        :return: whether there was a checkpoint
        :raises OfflineError: if the bags hold no episode, or are not those of the checkpoint
        :raises WarmStartError: if ``start_from`` names no policy that fits
        """
        state = self.checkpoint()
        self._fill()
        if state is None:
            # Afterwards, so that the statistics count once, not once per rank.
            warm_start(self.learner)
        else:
            self._go_on(state)
        return state is not None

    def checkpoint(self) -> dict[str, Any] | None:
        """
        Read the folder's checkpoint, if there is one.

        :raises OfflineError: if it has learned from other bags, or with more or fewer ranks
        :raises CheckpointError: if it cannot be used
        """
        if not self.folder.checkpoint.exists():
            return None
        state = load_checkpoint(self.folder.checkpoint)
        self._check_same(state)
        return state

    def _fill(self) -> None:
        with self.ranks.together():
            if not self._ingest(self._source.in_order()):
                # Begun anew, so that the window and the normalisers see bags from everywhere.
                self.learner = Learner(self._task, self.parameters, self.ranks)
                self.is_streaming = True
                self._stream = self._source.shuffled()
                self._ingest(self._stream)
            if not len(self.learner.replay):
                raise OfflineError(
                    'none of the bags holds a sound episode', '`her-ros bags verify` says why'
                )
        for normalizer in self.learner.normalizers.values():
            self.ranks.merge(normalizer)
        counts = self.ranks.gather((self.learner.env_steps, self.learner.episodes))
        self.learner.env_steps, self.learner.episodes = map(sum, zip(*counts, strict=True))

    def _ingest(self, episodes: Iterator[Episode]) -> bool:
        """Store episodes while there is room; return whether any were stored."""
        for episode in episodes:
            if not self.learner.replay.has_room(episode):
                return False
            self.learner.ingest([episode])
        return True

    def _check_same(self, state: dict[str, Any]) -> None:
        checkpoint = self.folder.checkpoint
        if 'judged' in state:
            raise OfflineError('is of an online run', 'name another --out', source=checkpoint)
        own = {'generators': [self.learner.generators_form], 'ranks': int, 'read': int}
        check_form(checkpoint, state, self._form(**own))
        if state['ranks'] != self.ranks.count:
            raise OfflineError(
                f'learned by {state["ranks"]} processes, this time there are {self.ranks.count}',
                'start as many, or name another --out',
                source=checkpoint,
            )
        if [tuple(entry) for entry in state['log']] != self._log:
            raise OfflineError(
                'has learned from other bags, or in another order',
                'name those, or another --out',
                source=checkpoint,
            )
        check_form(
            checkpoint, state['generators'], (self.learner.generators_form,) * self.ranks.count
        )

    def _go_on(self, state: dict[str, Any]) -> None:
        """Resume from a checkpoint."""
        # Before the state is loaded, since it includes the priorities of the buffer's content.
        self._read_up_to(state['read'])
        self._restore(state)
        own = state['generators'][self.ranks.rank]
        self.learner.load_generators(own)
        if state['compiled']:
            self.learner.compile()

    def update(self) -> dict[str, float]:
        """Make up to a hundred updates; return the losses of the last one."""
        learner = self.learner
        count = min(_SLICE - learner.updates % _SLICE, self.remaining)
        if self.is_streaming:
            drawn = (learner.updates + count) * self.parameters.batch_size
            self._read_up_to(drawn // _DRAWS_PER_TRANSITION)
        begin = time.monotonic()
        losses = learner.update(count)
        speed = count / max(time.monotonic() - begin, 1e-9)
        self._record('speed/updates_per_s', speed, learner.updates)
        for name, value in losses.items():
            self._record(f'learner/{name}', value, learner.updates)
        if self._evaluate_policy and learner.updates >= self._next_evaluation:
            self._evaluate(self._evaluate_policy)
        return losses

    @property
    def should_save(self) -> bool:
        """Whether it is time for a checkpoint; with several ranks the first one decides."""
        return time.monotonic() - self._saved_at > self.parameters.checkpoint_interval_s

    def _read_up_to(self, transitions: int) -> None:
        while self._read < transitions:
            episode = next(self._stream)
            self.learner.restore([episode])
            self._read += len(episode)

    @property
    def _next_evaluation(self) -> int:
        last = self.evaluations[-1].updates if self.evaluations else 0
        tenth = max(1, self._updates // 10)
        return min((last // tenth + 1) * tenth, self._updates)

    def _evaluate(self, evaluate: Evaluate) -> None:
        content = self._policy(len(self.evaluations) + 1)
        at = (self.learner.env_steps, self.learner.updates, self.trained_s)
        episodes, version = evaluate(content), len(self.evaluations) + 1
        evaluation = Evaluation.of(self._task, version, sha256(content), at, episodes)
        self._add_evaluation(evaluation, episodes, self.learner.updates)

    def _policy(self, version: int) -> bytes:
        provenance = {
            'run': self.folder.path.name,
            'offline_regularizer': self.parameters.offline_regularizer,
            'bags': str(len(self._log)),
        }
        return self.learner.policy(version, provenance)

    def save(self) -> None:
        """Write the checkpoint; every rank calls this, rank 0 writes."""
        generators = self.ranks.gather(self.learner.generators())
        self._saved_at = time.monotonic()
        if self.ranks.rank == 0:
            self._save(generators=generators, ranks=self.ranks.count, read=self._read)

    def finish(self) -> dict[str, Any]:
        """Write checkpoint, policy and ``result.json``; return what the last one says."""
        self.save()
        last = self.evaluations[-1] if self.evaluations else None
        if last is not None and last.updates != self.learner.updates:
            last = None  # it evaluated another policy
        result = self._result(Outcome.TRAINED, last.success_rate if last else None)
        result['offline_regularizer'] = self.parameters.offline_regularizer
        if self.ranks.rank == 0:
            # Evaluated last, it is that version, so that a card finds what was shown.
            version = len(self.evaluations) + (last is None)
            write_whole(self.folder.policy, self._policy(version))
            self._write_result(result)
        return result


def bags_in_order(run: RunFolder) -> list[tuple[Path, str]] | None:
    """
    List the bags that an online run has learned from, in the order of its log.

    :return: paths and their digests; None if the run left no log
    :raises OfflineError: if a bag of the log is missing
    """
    if not run.checkpoint.exists():
        return None
    log = load_log(run.checkpoint)
    if not run.bags.is_dir() or not any(run.bags.iterdir()):
        raise OfflineError(
            'holds a checkpoint, but no bags', 'name what it was made of', source=run.path
        )
    paths = [(run.bags / name, digest) for name, digest in log]
    if missing := [path for path, _ in paths if not path.exists()]:
        raise OfflineError(
            f'missing, but {run.checkpoint} has learned from it',
            f'to take what is there, name {run.bags}',
            source=missing[0],
        )
    return paths
