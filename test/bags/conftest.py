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

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import CLOUD_TYPE, encode_cloud
from her_ros.wire.rows import Rows, step_dtype
from mcap.writer import Writer
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode
from rosbags.rosbag2 import Writer as DirectoryWriter
from rosbags.typesys import get_typestore, Stores

STORE = get_typestore(Stores.ROS2_JAZZY)


@pytest.fixture
def push() -> GoalTask:
    return TASKS['FetchPush']


@pytest.fixture
def make_rollout(push: GoalTask) -> Callable[..., list[Rows]]:
    """Make the step messages of environments whose episodes take ``lengths`` moves each."""

    def make(
        lengths: Sequence[int] = (5, 5), task: GoalTask = push, session: int = 7, seed: int = 0
    ) -> list[Rows]:
        random = np.random.default_rng(seed)
        goals = random.normal(size=(len(lengths), task.goal_size))
        messages = []
        for step in range(max(lengths) + 1):
            # A row whose episode has ended is left out.
            envs = np.array([env for env, length in enumerate(lengths) if step <= length])
            rows = np.zeros(len(envs), step_dtype(task))
            rows['session'], rows['env'], rows['step'] = session, envs, step
            for name in ('observation', 'achieved_goal'):
                rows[name] = random.normal(size=rows[name].shape)
            rows['observation'] *= 0.01  # as slow as an arm
            rows['desired_goal'] = goals[envs]
            if step:
                rows['action'] = random.uniform(-1, 1, rows['action'].shape)
                rows['reward'], rows['policy_version'] = -1, 3
            rows['truncated'] = step == np.array(lengths)[envs]
            messages.append(rows)
        return messages

    return make


@pytest.fixture
def expected_of() -> Callable[[Sequence[Rows]], list[Rows]]:
    """Pick the rows of every environment out of the messages, by plain loops."""

    def pick(messages: Sequence[Rows]) -> list[Rows]:
        envs = sorted({int(env) for rows in messages for env in rows['env']})
        return [np.concatenate([rows[rows['env'] == env] for rows in messages]) for env in envs]

    return pick


@pytest.fixture
def same() -> Callable[[Sequence[Rows], Sequence[Rows]], bool]:
    """Compare field by field, so that padding does not count."""

    def compare(some: Sequence[Rows], others: Sequence[Rows]) -> bool:
        return len(some) == len(others) and all(
            np.array_equal(one[name], other[name])
            for one, other in zip(some, others, strict=True)
            for name in other.dtype.names
        )

    return compare


@pytest.fixture
def rollouts(make_rollout):
    """Messages of some rollouts of one session, one after the other."""

    def make(count=4, lengths=(5, 3), **more):
        messages = []
        for episode in range(count):
            for rows in make_rollout(lengths, seed=episode, **more):
                rows['episode'] = episode
                messages.append(rows)
        return messages

    return make


@pytest.fixture
def all_rows(expected_of):
    """Split the messages of some rollouts into the rows of every episode, by plain loops."""

    def split(messages):
        found = []
        for episode in sorted({int(rows['episode'][0]) for rows in messages}):
            found += expected_of([rows for rows in messages if rows['episode'][0] == episode])
        return found

    return split


@pytest.fixture
def write_mcap() -> Callable[..., Path]:
    """Write a bare file as another program would, with mcap itself and the options given."""

    def write_mcap(path, messages, stamps=None, topic='/step', **options):
        with path.open('wb') as file:
            writer = Writer(file, **options)
            writer.start('ros2')
            schema = writer.register_schema(CLOUD_TYPE, 'ros2msg', b'')
            channel = writer.register_channel(topic, 'cdr', schema)
            for stamp_ns, rows in zip(stamps or range(len(messages)), messages, strict=True):
                writer.add_message(channel, stamp_ns, encode_cloud(rows, stamp_ns), stamp_ns)
            writer.finish()
        return path

    return write_mcap


@pytest.fixture
def write_directory() -> Callable[..., Path]:
    """Write a directory as `ros2 bag record` does, with another topic beside ours."""

    def write_directory(
        path,
        messages,
        plugin,
        mode=CompressionMode.NONE,
        metadata=MappingProxyType({'task': 'FetchPush'}),
        stamps=None,
    ):
        writer = DirectoryWriter(path, version=9, storage_plugin=plugin)
        writer.set_compression(mode, CompressionFormat.ZSTD)
        for key, value in metadata.items():
            writer.set_custom_data(key, value)
        with writer:
            steps = writer.add_connection('/step', CLOUD_TYPE, typestore=STORE)
            text = writer.add_connection('/rosout', 'std_msgs/msg/String', typestore=STORE)
            for stamp_ns, rows in zip(stamps or range(len(messages)), messages, strict=True):
                writer.write(text, stamp_ns, b'\0\1\0\0\2\0\0\0a\0')
                writer.write(steps, stamp_ns, encode_cloud(rows, stamp_ns))
        return path

    return write_directory
