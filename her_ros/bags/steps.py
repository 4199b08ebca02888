"""Read the ``step`` messages of a bag of any size, with the task of the bag."""

from collections.abc import Callable, Iterator
from pathlib import Path

from her_ros.bags.recording import Recording
from her_ros.bags.storage.messages import Message
from her_ros.bags.tasks import agree_on_task, is_step
from her_ros.tasks.goal_task import GoalTask


class StepMessages:
    """The ``step`` messages of a bag by topic, in the order of recording.

    :param path: a bare bag or a rosbag2 directory
    :param task: what the bag has to hold; what its facts, or the sizes of its rows, say where
        left out
    :param on_batch: shown all messages of all topics before they are read
    """

    def __init__(
        self,
        path: Path,
        task: GoalTask | None = None,
        on_batch: Callable[[list[Message]], None] | None = None,
    ) -> None:
        self.path = path
        #: known once the first message was read
        self.task: GoalTask | None = None
        #: what the writer noted; known once the first message was read
        self.facts: dict[str, str] = {}
        #: message type by topic, of those met so far
        self.topics: dict[str, str] = {}
        self._expected = task
        self._on_batch = on_batch

    def by_topic(self) -> Iterator[tuple[str, GoalTask, list[bytes | memoryview]]]:
        """Read the bag from its beginning.

        :return: topic, task and messages in CDR, of a piece of the bag at a time
        :raises Exception: whatever the readers of its form raise if it is no bag, cut short or
            damaged; see :func:`her_ros.bags.errors.naming`
        :raises BagError: if it is of another task
        """
        for file in Recording(self.path).files():
            self.facts = file.facts | self.facts
            if self._expected is not None or 'task' in self.facts:
                self.task = agree_on_task(self.facts, self._expected, None)
            for batch in file.batches(None if self._on_batch else is_step):
                if self._on_batch:
                    self._on_batch(batch)
                    batch = [each for each in batch if _is_step(each)]
                steps: dict[str, list[bytes | memoryview]] = {}
                for message in batch:
                    steps.setdefault(message.channel.topic, []).append(message.content)
                for topic, contents in sorted(steps.items()):
                    if self.task is None:
                        self.task = agree_on_task(self.facts, self._expected, batch[0].content)
                    yield topic, self.task, contents
            self.topics |= file.topics


def _is_step(message: Message) -> bool:
    return is_step(message.channel.topic, message.channel.message_type)
