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

"""Online training over a run folder: read bags, update at a ratio, evaluate, stop."""

from collections.abc import Sequence
from pathlib import Path
import time
from typing import Any, NoReturn

from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.acceleration.compile import compile_or_say_why, CompileAhead
from her_ros.learning.acceleration.ranks import Ranks
from her_ros.learning.learner import Learner
from her_ros.learning.training.bag_training import BagTraining, RecordScalar
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.checkpoint_form import check_form
from her_ros.learning.training.evaluation import Evaluation, mean_return, reached_in_a_row
from her_ros.learning.training.rank_orders import RankLeader, ReadEpisodes
from her_ros.learning.training.warm_start import warm_start
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import file_sha256, set_aside, sha256, write_whole
from her_ros.runtime.run_folder import RunFolder
from her_ros.runtime.states import Outcome
from her_ros.tasks.goal_task import GoalTask
import torch

# Evaluation bags of one policy version that may be damaged before the run ends.
_MAX_DAMAGED = 3


class TrainingError(HerRosError):
    """A run that cannot be resumed from its folder."""


class EvaluationDamaged(TrainingError):
    """An evaluation bag that was set aside; its policy version has to be evaluated again."""


class Training(BagTraining):
    """
    Feeds a learner from a run folder; nodes and commands only call it.

    The folder is the truth: a bag counts once it is in ``bags/`` under its final name, and the
    checkpoint lists the bags read, in order.

    :param ranks: the processes of distributed training, of which this is rank 0; None: this one
        alone
    """

    def __init__(
        self,
        task: GoalTask,
        parameters: TrainerParameters,
        folder: RunFolder,
        read: ReadEpisodes,
        record: RecordScalar = lambda name, value, step: None,
        ranks: Ranks | None = None,
    ) -> None:
        super().__init__(task, parameters, folder, Learner(task, parameters, ranks), record)
        self._ranks = self.learner.ranks
        self._leader = RankLeader(self._ranks)
        self.refused: dict[str, str] = {}  # bag name to what is wrong with it
        self._read = read
        self._compile_ahead = CompileAhead(self.learner, parameters)
        self._news = ''
        self._seen: set[str] = set()
        self._version = 0
        self._candidate: tuple[int, bytes] | None = None  # version and policy to evaluate
        self._candidate_counts = (0, 0, 0.0)  # the env steps, updates and seconds it came from
        self._damaged = 0  # evaluation bags of this version that were set aside
        self._next_evaluation = parameters.evaluation_interval

    def resume(self) -> bool:
        """
        Resume from the folder's checkpoint, if there is one; return whether there was.

        Without one, weights and normalisers are those of the parameter ``start_from``.

        The buffer is rebuilt from the logged bags in their order. Normalisers and generators are
        not changed by that, so the next update is the same as without the interruption.

        :raises TrainingError: if a logged bag is missing or was altered
        :raises CheckpointError: if the checkpoint cannot be used
        :raises WarmStartError: if ``start_from`` names no policy that fits
        """
        is_resumed = self.folder.checkpoint.exists()
        self._leader.begin(self.folder, self.parameters)
        if is_resumed:
            self._go_on()
        else:
            warm_start(self.learner)
        self._leader.load(self.learner)
        return is_resumed

    def _go_on(self) -> None:
        """Take the state from the checkpoint, and the buffer from the bags that it lists."""
        state = load_checkpoint(self.folder.checkpoint)
        if 'ranks' in state:
            raise TrainingError(
                'is of offline training', 'choose another run', source=self.folder.checkpoint
            )
        check_form(self.folder.checkpoint, state, self._form(**_own_form(state)))
        for name, digest in state['log']:
            path = self.folder.bags / name
            state_of_bag = '' if path.exists() else 'missing'
            if not state_of_bag and file_sha256(path) != digest:
                state_of_bag = 'altered'
            if state_of_bag:
                raise TrainingError(
                    f'{state_of_bag} since the checkpoint has learned from it',
                    f'restore the file, or move {self.folder.checkpoint} away to learn anew from'
                    ' the others',
                    source=path,
                )
            self.learner.restore(self._read(path))
            self._log.append((name, digest))
            self._seen.add(name)
            self._leader.store(self.learner, self._log[-1:])  # all ranks read at the same time
        self._restore(state)
        if state['compiled'] and self._log:
            self._news = compile_or_say_why(self.learner)
            if self.learner.compiled:
                self._compile_ahead = CompileAhead(self.learner, self.parameters)
            else:
                self._news += '; so the next updates differ in rounding from those before'
        self._version = state['version']
        self._next_evaluation = state['next_evaluation']
        if state['judged'] is not None:
            version, content = state['judged']
            self._candidate = (version, content.numpy().tobytes())
            self._candidate_counts = tuple(state['judged_at'])

    def save(self) -> None:
        """
        Write the checkpoint; its keys stay, so that earlier ones can be read.

        Does nothing once another rank was lost, since that may be in the middle of an update.
        """
        if self._ranks.is_lost:
            return
        candidate = None
        if self._candidate is not None:
            version, content = self._candidate
            candidate = [version, torch.frombuffer(bytearray(content), dtype=torch.uint8)]
        self._save(
            version=self._version,
            next_evaluation=self._next_evaluation,
            judged=candidate,
            judged_at=list(self._candidate_counts),
        )

    def ingest_new_bags(self) -> int:
        """
        Read the bags that are new since the last call; return their number.

        A bag that cannot be read is not moved, and is noted in ``refused``.
        """
        names = {path.name for path in self.folder.bags.glob('*.mcap')} - self._seen
        known = len(self._log)
        for name in sorted(names):
            path = self.folder.bags / name
            self._seen.add(name)
            try:
                digest, episodes = file_sha256(path), self._read(path)
                for episode in episodes:
                    self.learner.replay.check_fits(episode)
            except (HerRosError, OSError) as error:
                self.refused[name] = f'{name}: {error}'
                continue
            self._log.append((name, digest))
            self.learner.ingest(episodes)
            self._record_episodes('rollout', episodes, self.learner.env_steps)
        self._leader.store(self.learner, self._log[known:])
        return len(names)

    def has_seen(self, name: str) -> bool:
        """Return whether a bag of this name was found."""
        return name in self._seen

    def _record_episodes(self, name: str, episodes: Sequence[Episode], env_steps: int) -> None:
        """Record mean return and success rate of episodes, of which there may be none."""
        if episodes:
            success_rate = sum(each.is_success for each in episodes) / len(episodes)
            self._record(f'{name}/success_rate', success_rate, env_steps)
            self._record(f'{name}/return', mean_return(episodes), env_steps)

    @property
    def updates_owed(self) -> int:
        """Return the number of updates that the configured ratio still requires."""
        steps = self.learner.env_steps
        if steps < self.parameters.warm_up_steps or not len(self.learner.replay):
            return 0
        return max(0, int(steps * self.parameters.updates_per_step) - self.learner.updates)

    @property
    def wants_collection(self) -> bool:
        """Whether workers should start another rollout."""
        # Collection waits for the updates that belong to the policy to be judged, not for the
        # evaluation itself; that goes on beside it, until the next one is due.
        return not self._evaluation_due and self.updates_owed <= self.parameters.max_updates_owed

    def compile_when_due(self) -> str:
        """Compile the updates once the run is long enough; return a message for the user."""
        news, self._news = self._news, ''
        if news:
            return news
        was_compiled = self.learner.compiled
        news = self._compile_ahead.poll()
        if self.learner.compiled and not was_compiled:
            self._leader.compile()
        return news

    def close(self) -> None:
        """Stop the compilation in the background, and release the other ranks."""
        self._compile_ahead.close()
        self._leader.end()

    def update(self, seconds: float) -> int:
        """Make owed updates for about the given time; return their number."""
        deadline, made = time.monotonic() + seconds, 0
        while self.updates_owed and time.monotonic() < deadline:
            count = min(self.updates_owed, 8)
            self._leader.update(count)
            losses = self.learner.update(count)
            made += count
        self._leader.keep_in_touch()
        if made:
            for name, value in losses.items():
                self._record(f'learner/{name}', value, self.learner.env_steps)
        return made

    def policy(self) -> tuple[int, bytes]:
        """Export the current policy under a new version number."""
        self._version += 1
        return self._version, self.learner.policy(self._version, {'run': self.folder.path.name})

    @property
    def _evaluation_due(self) -> bool:
        steps = self.learner.env_steps
        return steps >= min(self._next_evaluation, self.parameters.stop_env_steps)

    @property
    def candidate_policy(self) -> tuple[int, bytes] | None:
        """Version and bytes of the policy under evaluation, if there is one."""
        return self._candidate

    def begin_evaluation(self) -> bool:
        """Export the current policy for evaluation if one is due; return whether it was."""
        if self._candidate is not None or not self._evaluation_due or self.updates_owed:
            return False
        is_last = self.learner.env_steps >= self.parameters.stop_env_steps
        self._next_evaluation = self.learner.env_steps + self.parameters.evaluation_interval
        if not self.learner.updates and not is_last:
            return False
        self._candidate = self.policy()
        self._candidate_counts = (self.learner.env_steps, self.learner.updates, self.trained_s)
        self.save()
        return True

    def end_evaluation(self) -> Evaluation | None:
        """
        Read the evaluation's bag once it exists.

        A bag that cannot be read, or in which another policy version acted, is set aside under
        another name, so that the evaluator writes it again.

        :raises EvaluationDamaged: if the bag was set aside; publish :attr:`candidate_policy` again
        :raises TrainingError: if that has happened three times to one policy version
        """
        if self._candidate is None:
            return None
        version, content = self._candidate
        digest = sha256(content)
        path = self.folder.evaluation_bag(version, digest)
        if not path.exists():
            return None
        try:
            episodes = self._evaluated_episodes(path, version)
        except (HerRosError, OSError) as error:
            self._set_aside(path, error)
        self._damaged = 0
        evaluation = Evaluation.of(self._task, version, digest, self._candidate_counts, episodes)
        if evaluation.success_rate >= self.best_success_rate:
            write_whole(self.folder.policy, content)
        self._add_evaluation(evaluation, episodes, evaluation.env_steps)
        self._candidate = None
        self.save()
        return evaluation

    def _evaluated_episodes(self, path: Path, version: int) -> Sequence[Episode]:
        episodes = self._read(path)
        versions = {int(v) for e in episodes for v in set(e.rows['policy_version'][1:].tolist())}
        if versions != {version}:
            raise TrainingError(
                f'acted by versions {sorted(versions)}, not by {version}',
                'let one evaluator alone record to this run',
                path,
            )
        return episodes

    def _set_aside(self, path: Path, error: Exception) -> NoReturn:
        aside = set_aside(path)
        self._damaged += 1
        if self._damaged >= _MAX_DAMAGED:
            raise TrainingError(
                f'{error}; {self._damaged} evaluation bags of this version were damaged, the last'
                f' is kept as {aside.name}',
                'check the disk, then start the run again',
            )
        raise EvaluationDamaged(f'{error}; kept as {aside.name}, the evaluation is repeated')

    @property
    def best_success_rate(self) -> float:
        """Highest success rate of any evaluation so far; 0 before the first."""
        return max((e.success_rate for e in self.evaluations), default=0.0)

    @property
    def outcome(self) -> Outcome | None:
        """Outcome of the run by the stop rule; None while it goes on."""
        parameters = self.parameters
        reached = reached_in_a_row(self.evaluations, parameters.stop_success_rate)
        if reached >= parameters.stop_evaluations:
            return Outcome.SOLVED
        if self.evaluations and self.evaluations[-1].env_steps >= parameters.stop_env_steps:
            return Outcome.LIMIT
        return None

    def finish(self) -> dict[str, Any]:
        """Write checkpoint and ``result.json``, and return the result."""
        self.save()
        result = self._result(self.outcome, self.evaluations[-1].success_rate)
        self._write_result(result)
        return result


def _own_form(state: dict[str, Any]) -> dict[str, Any]:
    """Return the form of the parts that only checkpoints of online training have."""
    return {
        'version': int,
        'next_evaluation': int,
        # A policy may be under evaluation.
        'judged': type(None) if state.get('judged') is None else (int, bytes),
        'judged_at': (int, int, float),
    }
