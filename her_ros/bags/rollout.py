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

"""Record rollouts as bags: one finished file per complete rollout."""

from collections.abc import Mapping
from pathlib import Path
import time

from her_ros import __version__
from her_ros.bags.writer import BagWriter, remove_unfinished
from her_ros.episodes.splitting import is_end
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CLOUD_TYPE, decoder_with_truth
from her_ros.wire.rows import format_note, has_truth, require_few_environments, Rows, with_room
from her_ros.wire.sessions import Sessions
import numpy as np


class RolloutRecorder:
    """
    Records every complete rollout of a worker as a bag.

    :param folder: folder of the finished bags
    :param metadata: custom data of each bag
    :param sessions: selects the session to record; by default one session at a time
    """

    def __init__(
        self,
        task: GoalTask,
        folder: Path,
        worker: int,
        metadata: Mapping[str, str],
        sessions: Sessions | None = None,
    ) -> None:
        self.sessions = sessions or Sessions()
        self._decoder = decoder_with_truth(task)
        self._folder = folder
        self._worker = worker
        self._metadata = dict(metadata)
        self._writer: BagWriter | None = None
        self._rollout = (-1, -1)  # session, episode
        self._last_step = np.zeros(0, np.int64)  # by env; -1: not begun
        self._ended = np.zeros(0, bool)
        self._versions: set[int] = set()
        self._has_truth = False
        # Unfinished files of a killed recorder hold no complete rollout.
        remove_unfinished(folder, f'*_w{worker:03d}_*')
        #: rollouts kept, and rollouts dropped because a step of theirs was missed
        self.kept, self.dropped = 0, 0

    def action(self, topic: str, cdr: bytes, stamp_ns: int) -> None:
        """Keep an ``action`` message beside the steps; learning does not need it."""
        if self._writer is not None:
            self._writer.write(topic, CLOUD_TYPE, cdr, stamp_ns)

    def step(self, topic: str, cdr: bytes, stamp_ns: int) -> Path | None:
        """
        Record a ``step`` message.

        :param stamp_ns: when it was received, wall time, nanoseconds
        :return: the finished bag, if this message ended a whole rollout
        :raises RowError: if the message is no ``step`` of this task
        :raises BagError: if the bag cannot be written
        """
        rows = self._decoder.decode([cdr])[0]
        require_few_environments(rows['env'])
        rows = self.sessions.heard(rows)
        if not len(rows):
            return None
        session, episode = int(rows['session'][0]), int(rows['episode'][0])
        if (session, episode) != self._rollout and not self._begin(session, episode, rows):
            return None
        fresh = self._fresh(rows)
        if fresh is None:
            self._drop()
        elif fresh.any() and self._writer is not None:
            self._writer.write(topic, CLOUD_TYPE, cdr, stamp_ns)
            return self._note(rows[fresh])
        return None

    def _begin(self, session: int, episode: int, rows: Rows) -> bool:
        """Open a bag for a new rollout; return whether the rollout can be recorded."""
        last_session, last_episode = self._rollout
        if session == last_session and episode < last_episode:
            return False
        self._drop()
        self._rollout = (session, episode)
        if rows['step'].any():
            # The start was missed: the recorder started, or was connected, too late.
            self.dropped += 1
            return False
        self._last_step = np.full(0, -1)
        self._ended = np.zeros(0, bool)
        self._versions = set()
        self._has_truth = False
        name = f'{time.strftime("%Y%m%dT%H%M%S", time.gmtime())}_w{self._worker:03d}'
        self._writer = BagWriter(
            self._folder, f'{name}_{session:08x}_{episode:06d}', self._metadata
        )
        return True

    def _fresh(self, rows: Rows) -> np.ndarray | None:
        """Return which rows are the next of their environment; None if a row was missed."""
        self._last_step = with_room(self._last_step, rows['env'], fill=-1)
        self._ended = with_room(self._ended, rows['env'])
        ahead = rows['step'] - self._last_step[rows['env']]
        return None if (ahead > 1).any() else ahead == 1

    def _note(self, rows: Rows) -> Path | None:
        env = rows['env']
        self._last_step[env] = rows['step']
        self._ended[env] = is_end(rows)
        self._has_truth = self._has_truth or has_truth(rows)
        self._versions.update(rows['policy_version'][rows['step'] > 0].tolist())
        if not self._ended.all() or self._writer is None:
            return None
        versions = ' '.join(map(str, sorted(self._versions)))
        truth = format_note(True) if self._has_truth else {}
        path = self._writer.close({'policy_version': versions, **truth})
        self._writer = None
        self.kept += 1
        return path

    def _drop(self) -> None:
        """Discard the unfinished rollout, if there is one."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None
            self.dropped += 1

    def close(self) -> None:
        """Discard the unfinished rollout, if there is one."""
        self._drop()


def run_metadata(task: GoalTask, **more: object) -> dict[str, str]:
    """
    Return the metadata of a run's bags; who writes a bag notes the format of rows with truth.

    :param more: further entries
    """
    metadata = {
        'task': task.name,
        'her_ros': __version__,
        **format_note(False),
        **({'arm': task.arm_name} if task.arm else {}),
        **({'workspace': ' '.join(map(str, task.workspace))} if task.workspace else {}),
        'control_period_s': task.control_period_s,
        'goal_tolerance_m': task.goal_tolerance_m,
        **more,
    }
    return {name: str(value) for name, value in metadata.items()}
