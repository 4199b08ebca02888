"""State that the storages of this package share."""

from pathlib import Path

from her_ros.bags.storage.limits import Kept
from her_ros.bags.storage.messages import Channel, OnDamage, refuse
from mcap.records import Attachment


class FileStorage:
    """
    One file of a bag, read in the order of recording.

    :param on_damage: called with each damage found; if it returns, reading goes on
    """

    def __init__(self, path: Path, on_damage: OnDamage = refuse) -> None:
        self.path = path
        #: metadata of the writer; complete when the whole file was read
        self.metadata: dict[str, str] = {}
        #: message type by topic, for the topics read so far
        self.topics: dict[str, str] = {}
        self.attachments: list[Attachment] = []
        self._on_damage = on_damage
        self._channels: dict[int, Channel] = {}
        self._definitions = Kept('topics, definitions and metadata', on_damage)
