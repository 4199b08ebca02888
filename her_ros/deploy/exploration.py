"""Exploration noise on top of a deterministic policy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Exploration:
    """Gaussian noise, then now and then a uniformly random action.

    As in Plappert et al. 2018 (arXiv 1802.09464, appendix A) and OpenAI baselines' HER.

    :param noise_std: standard deviation of the noise, in units of the action limit
    :param random_probability: probability that an action is drawn uniformly instead
    """

    noise_std: float
    random_probability: float

    def __call__(
        self, actions: NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return explored actions in [-1, 1] for deterministic ones of shape (n, A)."""
        noise = self.noise_std * generator.standard_normal(actions.shape, np.float32)
        noisy = np.clip(actions + noise, -1.0, 1.0)
        random = generator.random((len(actions), 1)) < self.random_probability
        return np.where(random, random_actions(actions.shape, generator), noisy)


def random_actions(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw actions uniformly from [-1, 1]."""
    return generator.uniform(-1.0, 1.0, shape).astype(np.float32)
