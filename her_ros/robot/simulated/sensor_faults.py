"""Simulate the faults of sensors and networks: noise, latency, loss."""

from collections import deque
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Message = TypeVar('Message')


class SensorFaults:
    """Noise and loss, drawn from one generator.

    :param object_noise_m: standard deviation of each coordinate of the object
    :param joint_noise_rad: standard deviation of each joint that turns
    :param drop_probability: share of the messages that get lost
    """

    def __init__(
        self,
        generator: np.random.Generator,
        object_noise_m: float,
        joint_noise_rad: float,
        drop_probability: float,
    ) -> None:
        self._generator = generator
        self._object_noise_m, self._joint_noise_rad = object_noise_m, joint_noise_rad
        self._drop_probability = drop_probability

    def object_position(self, position: Floats) -> Floats:
        """Return a position as a sensor sees it: metres, shape (3,)."""
        return position + self._generator.normal(0.0, self._object_noise_m, position.shape)

    def joint_positions(self, positions: Floats, turning: NDArray[np.bool_]) -> Floats:
        """Return joint positions as encoders see them, shape (J,).

        :param turning: whether a joint turns; those that slide are measured without noise
        """
        noise = self._generator.normal(0.0, self._joint_noise_rad, positions.shape)
        return positions + np.where(turning, noise, 0.0)

    def loses(self) -> bool:
        """Draw whether the next message gets lost."""
        return bool(self._generator.random() < self._drop_probability)


class Delay(Generic[Message]):
    """Holds messages back for a time.

    :param latency_s: monotonic time from ``put`` to ``taken``
    """

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._held: deque[tuple[float, Message]] = deque()

    def put(self, message: Message, now_s: float) -> None:
        """Take in a message."""
        self._held.append((now_s + self._latency_s, message))

    def taken(self, now_s: float) -> list[Message]:
        """Return, and forget, the messages that have been held long enough, oldest first."""
        ready = []
        while self._held and self._held[0][0] <= now_s:
            ready.append(self._held.popleft()[1])
        return ready
