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

"""Summarise the content of a bag, to decide whether to train on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from her_ros.bags.errors import BagError, wrap_errors
from her_ros.bags.recording import Recording
from her_ros.bags.storage.messages import Message
from her_ros.bags.stream import EpisodeStream
from her_ros.episodes.episode import Episode
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray

#: number of goal cells that are stored; 64 cubic metres at 5 cm have half as many
MAX_CELLS = 1 << 20
# Largest coordinate of a cell; goals farther away are noise and share the outermost cells.
_FARTHEST = 1e15

Cell = tuple[int, ...]


@dataclass
class BagInfo:
    """Summary of one bag, or of several together."""

    paths: list[Path] = field(default_factory=list)
    #: names of the tasks found
    tasks: set[str] = field(default_factory=set)
    episodes: int = 0
    steps: int = 0
    #: episodes whose last row says that the goal was reached
    successes: int = 0
    #: failures whose achieved goal moved, see :func:`is_relabelable`
    relabelable: int = 0
    rows_left_over: int = 0
    #: lowest and highest version of the policies that acted; None if none did
    policy_versions: tuple[int, int] | None = None
    #: from the first stamp to the last; stamps of 0 do not count
    duration_s: float = 0.0
    #: messages with stamp 0, which is no time
    unstamped: int = 0
    size: int = 0
    #: messages by topic
    topics: dict[str, int] = field(default_factory=dict)
    #: parts that could not be read, each with its bag
    damage: list[str] = field(default_factory=list)
    #: cells with a desired goal, with the number of episodes; cells with an achieved goal
    desired_cells: dict[Cell, int] = field(default_factory=dict)
    achieved_cells: set[Cell] = field(default_factory=set)

    @property
    def success_rate(self) -> float | None:
        """Share of the episodes that reached their goal; None without episodes."""
        return self.successes / self.episodes if self.episodes else None

    @property
    def relabelable_share(self) -> float | None:
        """Share of the failures that HER can turn into successes; None without failures."""
        failures = self.episodes - self.successes
        return self.relabelable / failures if failures else None

    @property
    def goal_coverage(self) -> float | None:
        """
        Share of the episodes whose desired goal lies in a cell where something was achieved.

        Cells are cubes as wide as the task's tolerance, aligned with the origin. None without
        episodes, or if there were too many cells to store.
        """
        cells = len(self.desired_cells) + len(self.achieved_cells)
        if not self.episodes or cells >= MAX_CELLS or len(self.tasks) != 1:
            return None
        reached = sum(
            count for cell, count in self.desired_cells.items() if cell in self.achieved_cells
        )
        return reached / self.episodes

    def add(self, episode: Episode, task: GoalTask) -> None:
        """Count an episode."""
        self.tasks.add(task.name)
        self.episodes += 1
        self.steps += len(episode)
        self.successes += episode.is_success
        self.relabelable += not episode.is_success and is_relabelable(episode, task)
        versions = episode.rows['policy_version'][1:]
        self._widen((int(versions.min()), int(versions.max())))
        if len(self.desired_cells) + len(self.achieved_cells) < MAX_CELLS:
            (desired,) = _cells(episode.desired_goal[None], task)
            self.desired_cells[desired] = self.desired_cells.get(desired, 0) + 1
            self.achieved_cells.update(_cells(episode.achieved_goal, task))

    def _widen(self, versions: tuple[int, int] | None) -> None:
        known = self.policy_versions
        if known and versions:
            versions = min(known[0], versions[0]), max(known[1], versions[1])
        self.policy_versions = versions or known


def is_relabelable(episode: Episode, task: GoalTask) -> bool:
    """
    Tell whether HER can turn moves of an episode into informative successes.

    Relabelling teaches something only if the achieved goal moved. So some achieved goal must lie
    farther than the tolerance from the first one.
    """
    with np.errstate(over='ignore'):
        stayed = task.is_success(episode.achieved_goal[1:], episode.achieved_goal[0])
    return not stayed.all()


def _cells(goals: NDArray[np.float64], task: GoalTask) -> list[Cell]:
    cells = np.floor(goals / task.goal_tolerance_m).clip(-_FARTHEST, _FARTHEST).astype(np.int64)
    return [tuple(cell) for cell in np.unique(cells, axis=0).tolist()]


def read_info(path: Path, task: GoalTask | None = None) -> BagInfo:
    """
    Read a bag from front to back and summarise its content.

    Damage ends the reading of a bag; messages read until then count.

    :param path: a bare bag or a rosbag2 directory
    :param task: of the bag; by default found from its metadata or from the sizes of its rows
    """
    info = BagInfo([path])
    stamps: list[int] = []

    def note(batch: list[Message]) -> None:
        for message in batch:
            topic = message.channel.topic
            info.topics[topic] = info.topics.get(topic, 0) + 1
        times = [message.log_time_ns for message in batch if message.log_time_ns > 0]
        info.unstamped += len(batch) - len(times)
        if times:
            stamps[:] = [min([*times, *stamps]), max([*times, *stamps])]

    stream = EpisodeStream(path, task, note)
    try:
        with wrap_errors(path):
            info.size = Recording(path).size
        for _, episode in stream:
            assert stream.task is not None
            info.add(episode, stream.task)
    except BagError as error:
        info.damage.append(str(error))
    if stream.task is not None:
        info.tasks.add(stream.task.name)
    info.rows_left_over = stream.left_over
    info.duration_s = (stamps[1] - stamps[0]) / 1e9 if stamps else 0.0
    return info


def total_of(infos: Iterable[BagInfo]) -> BagInfo:
    """Add up the summaries of several bags, including their durations."""
    total = BagInfo()
    for info in infos:
        total.paths += info.paths
        total.tasks |= info.tasks
        for name in (
            'episodes', 'steps', 'successes', 'relabelable', 'rows_left_over', 'duration_s',
            'unstamped', 'size',
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(info, name))
        total._widen(info.policy_versions)
        for topic, count in info.topics.items():
            total.topics[topic] = total.topics.get(topic, 0) + count
        total.damage += info.damage
        if len(total.desired_cells) + len(total.achieved_cells) < MAX_CELLS:
            for cell, count in info.desired_cells.items():
                total.desired_cells[cell] = total.desired_cells.get(cell, 0) + count
            total.achieved_cells |= info.achieved_cells
    return total
