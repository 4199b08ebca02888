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

"""Read a ``.db3`` file: rosbag2's sqlite3 storage, in every version of its tables."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
import re
import shutil
import sqlite3
from tempfile import TemporaryDirectory

from her_ros.bags.errors import BagError, RecoverableError
from her_ros.bags.storage.base import FileStorage
from her_ros.bags.storage.limits import limit
from her_ros.bags.storage.messages import (
    BATCH_SIZE,
    Channel,
    decompressed,
    Message,
    OnDamage,
    refuse,
    Wanted,
)
from her_ros.bags.storage.metadata import custom_data
from her_ros.bags.storage.progress import count

#: suffixes of sqlite's own files; the first holds the last messages of a recorder, even if killed
SIDECARS = ('-wal', '-journal')

# Tables whose columns are computed, or come from elsewhere.
_COMPUTED = re.compile(r'\bAS\s*\(|\bVIRTUAL\b', re.IGNORECASE)
# Number of attempts to find messages behind damaged pages, and messages skipped per attempt.
_MAX_FAILURES = 200
_LARGEST_STRIDE = 1 << 30


class SqliteStorage(FileStorage):
    """
    One ``.db3`` file, read in the order of recording.

    :param on_damage: called with each damage found; if it returns, reading goes on
    """

    def __init__(self, path: Path, on_damage: OnDamage = refuse) -> None:
        super().__init__(path, on_damage)
        self._has_unknown = False

    def open(self) -> None:  # noqa: A003
        """
        Read topics and metadata.

        :raises BagError: if it is no bag
        """
        with self.path.open('rb') as file:
            if not file.read(16):
                raise BagError('the file is empty', 'copy or record it again')
        with self._connected() as connection:
            try:
                self._read_channels(connection)
            except sqlite3.DatabaseError as error:
                raise RecoverableError(f'damaged or no sqlite3 bag: {error}') from error
            try:
                self._read_metadata(connection)
            except sqlite3.DatabaseError as error:
                self._on_damage(RecoverableError(f'damaged: the metadata cannot be read: {error}'))

    def batches(self, wanted: Wanted | None = None) -> Iterator[list[Message]]:
        """
        Read the messages in the order of recording, about a megabyte at a time.

        :param wanted: which topics; None: all
        """
        batch: list[Message] = []
        size = 0
        with self._connected() as connection:
            for topic_id, stamp_ns, content in self._rows(connection):
                count(len(content))
                message = self._message(topic_id, stamp_ns, content, wanted)
                if message is not None:
                    batch.append(message)
                    size += len(message.content)
                    if size >= BATCH_SIZE:
                        yield batch
                        batch, size = [], 0
        if batch:
            yield batch

    def _message(
        self, topic_id: int, stamp_ns: int, content: bytes, wanted: Wanted | None
    ) -> Message | None:
        channel = self._channels.get(topic_id)
        if channel is None:
            if not self._has_unknown:
                self._has_unknown = True
                self._on_damage(
                    RecoverableError(
                        f'damaged: messages on topic {topic_id}, which is not defined'
                    )
                )
            return None
        if wanted is not None and not wanted(channel.topic, channel.message_type):
            return None
        if not isinstance(content, bytes) or not isinstance(stamp_ns, int):
            self._on_damage(RecoverableError('damaged: an invalid message', source=channel.topic))
            return None
        try:
            return Message(channel, stamp_ns, stamp_ns, 0, decompressed(content))
        except BagError as error:
            self._on_damage(BagError.of(error, channel.topic))
            return None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        beside = [self.path.with_name(self.path.name + end) for end in SIDECARS]
        beside = [each for each in beside if each.is_file() and not each.is_symlink()]
        with TemporaryDirectory() as folder:
            path = self.path
            if beside:
                # Sqlite has to write to read them, so it gets a copy of the recording.
                for each in (path, *beside):
                    shutil.copyfile(each, Path(folder, each.name))
                path = Path(folder, path.name)
            mode = 'rw' if beside else 'ro&immutable=1'
            uri = f'{path.absolute().as_uri()}?mode={mode}'
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                # Nothing that a file defines runs, and nothing larger than the limit is made.
                connection.execute('PRAGMA trusted_schema=OFF')
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit())
                if self._on_damage is not refuse:
                    # With this, sqlite opens a file that is shorter than its header says.
                    connection.execute('PRAGMA writable_schema=ON')
                connection.text_factory = lambda text: text.decode(errors='replace')
                yield connection

    def _read_metadata(self, connection: sqlite3.Connection) -> None:
        # Before Iron there was no such table.
        if 'metadata' in _tables(connection):
            for (text,) in connection.execute('SELECT metadata FROM metadata ORDER BY id'):
                if self._has_room_for(text):
                    self.metadata |= custom_data(text)

    def _has_room_for(self, *values: object) -> bool:
        return self._definitions.takes(*(each for each in values if isinstance(each, str | bytes)))

    def _read_channels(self, connection: sqlite3.Connection) -> None:
        names = _tables(connection)
        if not {'messages', 'topics'} <= names:
            raise BagError(
                'no bag: the tables `messages` and `topics` are missing', 'name a bag of ROS 2'
            )
        definitions = {}
        if 'message_definitions' in names:
            definitions = {
                row[0]: row[1:]
                for row in connection.execute(
                    'SELECT topic_type, encoding, encoded_message_definition'
                    ' FROM message_definitions'
                )
                if self._has_room_for(*row)
            }
        topics = connection.execute('SELECT * FROM topics')
        columns = [column for column, *_ in topics.description]
        for row in topics:
            if not self._has_room_for(*row):
                break
            topic = dict(zip(columns, row, strict=True))
            encoding, text = definitions.get(topic['type'], ('', ''))
            self.topics[topic['name']] = topic['type']
            self._channels[topic['id']] = Channel(
                topic['name'],
                topic['type'],
                topic['serialization_format'],
                encoding,
                text.encode(),
                topic.get('offered_qos_profiles', ''),
                topic.get('type_description_hash', ''),
            )

    def _rows(self, connection: sqlite3.Connection) -> Iterator[tuple[int, int, bytes]]:
        """List topic, stamp and content in the order of ids; unreadable pages are skipped."""
        query = 'SELECT id, topic_id, timestamp, data FROM messages WHERE id > ? ORDER BY id'
        last, stride = -1, 1
        for _ in range(_MAX_FAILURES):
            try:
                for row in connection.execute(query, (last,)):
                    if row[0] <= last:  # a damaged tree may lead back
                        raise sqlite3.DatabaseError('ids do not rise')
                    last, stride = row[0], 1
                    yield row[1], row[2], row[3]
                return
            except sqlite3.DatabaseError as error:
                if stride == 1:
                    self._on_damage(RecoverableError(f'damaged behind message {last}: {error}'))
            last += stride
            stride *= 2
            if stride > _LARGEST_STRIDE:
                return


def _tables(connection: sqlite3.Connection) -> set[str]:
    # A view of the same name could compute endless rows.
    tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {name for name, text in tables if not _COMPUTED.search(str(text))}
