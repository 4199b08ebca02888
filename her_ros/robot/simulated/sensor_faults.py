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
    :param joint_noise_rad: standard deviation of each revolute joint
    :param drop_probability: probability that a message is lost
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
        """Return a position with sensor noise: metres, shape (3,)."""
        return position + self._generator.normal(0.0, self._object_noise_m, position.shape)

    def joint_positions(self, positions: Floats, turning: NDArray[np.bool_]) -> Floats:
        """Return joint positions with encoder noise, shape (J,).

        :param turning: which joints are revolute; prismatic ones have no noise
        """
        noise = self._generator.normal(0.0, self._joint_noise_rad, positions.shape)
        return positions + np.where(turning, noise, 0.0)

    def loses(self) -> bool:
        """Draw whether the next message is lost."""
        return bool(self._generator.random() < self._drop_probability)


class Delay(Generic[Message]):
    """Delays messages by a fixed time.

    :param latency_s: monotonic time from ``put`` to ``taken``
    """

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._held: deque[tuple[float, Message]] = deque()

    def put(self, message: Message, now_s: float) -> None:
        """Add a message."""
        self._held.append((now_s + self._latency_s, message))

    def taken(self, now_s: float) -> list[Message]:
        """Remove and return the messages whose delay has passed, oldest first."""
        ready = []
        while self._held and self._held[0][0] <= now_s:
            ready.append(self._held.popleft()[1])
        return ready
