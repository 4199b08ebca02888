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

"""Read the ``step`` messages of a bag of any size, with the task of the bag."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from her_ros.bags.errors import BagError
from her_ros.bags.recording import Recording
from her_ros.bags.storage.messages import Message
from her_ros.bags.tasks import agree_on_task, is_step
from her_ros.tasks.goal_task import GoalTask
from her_ros.wire.cloud import CLOUD_TYPE


class StepMessages:
    """
    The ``step`` messages of a bag by topic, in the order of recording.

    :param path: a bare bag or a rosbag2 directory
    :param task: task that the bag must be of; by default found from its metadata or from the sizes
        of its rows
    :param on_batch: called with all messages of all topics before they are read
    """

    def __init__(
        self,
        path: Path,
        task: GoalTask | None = None,
        on_batch: Callable[[list[Message]], None] | None = None,
    ) -> None:
        self.path = path
        #: set when the first message is read
        self.task: GoalTask | None = None
        #: metadata of the writer; set when the first message is read
        self.metadata: dict[str, str] = {}
        #: message type by topic, for the topics read so far
        self.topics: dict[str, str] = {}
        self._expected = task
        self._on_batch = on_batch

    def by_topic(self) -> Iterator[tuple[str, GoalTask, list[bytes | memoryview]]]:
        """
        Read the bag from its beginning.

        :return: topic, task and messages in CDR, one piece of the bag at a time
        :raises Exception: any error of the storage readers if it is no bag, cut short or damaged;
            see :func:`her_ros.bags.errors.wrap_errors`
        :raises BagError: if it is of another task
        """
        for file in Recording(self.path).files():
            self.metadata = file.metadata | self.metadata
            if self._expected is not None or 'task' in self.metadata:
                self.task = agree_on_task(self.metadata, self._expected, None)
            for batch in file.batches(None if self._on_batch else is_step):
                if self._on_batch:
                    self._on_batch(batch)
                    batch = [each for each in batch if _is_step(each)]
                steps: dict[str, list[bytes | memoryview]] = {}
                for message in batch:
                    steps.setdefault(message.channel.topic, []).append(message.content)
                for topic, contents in sorted(steps.items()):
                    if self.task is None:
                        self.task = agree_on_task(self.metadata, self._expected, batch[0].content)
                    yield topic, self.task, contents
            self.topics |= file.topics


def _is_step(message: Message) -> bool:
    return is_step(message.channel.topic, message.channel.message_type)


def no_steps(topics: Mapping[str, str], source: object = '') -> BagError:
    """
    Make the error of a bag without ``step`` messages.

    :param topics: types of its topics, by name
    """
    return BagError(
        f'no step topic of type {CLOUD_TYPE}; it has {dict(topics)}',
        'record the topic step; `her-ros bags convert` makes one from recordings of a robot',
        source,
    )


def no_episode(left_over: int, source: object = '') -> BagError:
    """
    Make the error of a bag without a finished episode.

    :param left_over: rows that belong to none
    """
    return BagError(
        f'no finished episode; {left_over} rows of unfinished ones were dropped',
        'record episodes from their first row to their last',
        source,
    )
