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

"""The ``recorder`` node: one finished bag per rollout."""

import queue
import threading
import time

from her_ros.arms.registry import with_workspace
from her_ros.bags.rollout import RolloutRecorder, run_metadata
from her_ros.config.parameters.nodes import RecorderParameters
from her_ros.nodes.guarded_node import described, GuardedNode, StopNode
from her_ros.nodes.node import Diagnostics, read_parameters, run, steady_timer
from her_ros.nodes.publishers import TopicSource
from her_ros.nodes.qos import HINT, RECORDING
from her_ros.nodes.rivalry import Rivalry
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import RowError
from her_ros.wire.sessions import Sessions
from her_ros.wire.topics import ACTION, ROLLOUT_RECORDED, STEP
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String


class RecorderNode(GuardedNode):
    """
    Receives messages and writes them in a separate thread.

    Messages stay serialised from the wire to the file.
    """

    def __init__(self) -> None:
        super().__init__('recorder')
        p = read_parameters(self, RecorderParameters)
        if not p.run_dir:
            raise HerRosError('recorder: run_dir is empty', 'it says where the bags go')
        folder = RunFolder(p.run_dir)
        folder.require()
        task = with_workspace(task_named(p.task, p.arm))
        self._role = folder.hold('recorder', p.worker)
        self._sessions = Sessions(TopicSource(self, STEP))
        metadata = run_metadata(task, worker=p.worker, seed=p.seed)
        self._rollouts = RolloutRecorder(task, folder.bags, p.worker, metadata, self._sessions)
        self._environments = Rivalry(self, STEP, 'another environment sends and is not recorded')
        self._problem = ''
        self._failure: Exception | None = None
        self._queue: queue.SimpleQueue[tuple[str, bytes, int] | None] = queue.SimpleQueue()
        self._step_topic = self.resolve_topic_name(STEP)
        self._action_topic = self.resolve_topic_name(ACTION)
        self._hints = self.create_publisher(String, ROLLOUT_RECORDED, HINT)
        for topic in (self._step_topic, self._action_topic):
            self.create_subscription(
                PointCloud2, topic, self._receiver(topic), RECORDING, raw=True
            )
        self._diagnostics = Diagnostics(self, self._status)
        steady_timer(self, 0.5, self._watch)
        self._thread = threading.Thread(target=self._write, name='bag writer', daemon=True)
        self._thread.start()

    def _receiver(self, topic: str):  # type: ignore[no-untyped-def]
        return lambda cdr: self._queue.put((topic, cdr, time.time_ns()))

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            topic, cdr, stamp_ns = item
            try:
                if topic == self._action_topic:
                    self._rollouts.action(topic, cdr, stamp_ns)
                elif path := self._rollouts.step(topic, cdr, stamp_ns):
                    self._problem = ''
                    self._hints.publish(String(data=path.name))
            except RowError as error:
                self._problem = str(error)
                self.log.error(topic, error)
            except Exception as error:
                # Nothing can be recorded: stop, so that the robot does not work in vain.
                self._failure = self._failure or error

    def _watch(self) -> None:
        if isinstance(self._failure, HerRosError | OSError):
            raise self._failure
        if self._failure is not None:
            raise StopNode(f'recorder: {described(self._failure)}', 'please report it')

    def _status(self) -> dict[str, object]:
        dropped = self._rollouts.dropped
        problems = [self._problem, self._environments.trouble(self._sessions.refused)]
        problem = '; '.join(filter(None, problems))
        return {
            'message': problem or 'recording',
            'level': b'\x01' if problem else b'\x00',
            'foreign_steps': self._sessions.refused,
            'rollouts_kept': self._rollouts.kept,
            'rollouts_dropped': dropped,
            'messages_waiting': self._queue.qsize(),
        }

    def close(self) -> None:
        """Write the received messages; drop an unfinished rollout."""
        self._queue.put(None)
        self._thread.join(timeout=5.0)
        self._rollouts.close()


def main() -> None:
    """Run the node."""
    run(RecorderNode, config=RecorderParameters)


if __name__ == '__main__':
    main()
