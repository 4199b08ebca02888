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

"""Running mean and standard deviation of network inputs."""

import torch
from torch import Tensor


class Normalizer:
    """
    Clips, centres and scales inputs with the statistics of everything seen so far.

    Means and squared deviations are merged batch by batch in float64 (Chan, Golub & LeVeque 1979,
    eq. 2.1), which loses no precision however long a run is.

    :param size: values per input
    :param raw_clip: limit of inputs before normalisation
    :param clip: limit after it
    :param minimum_std: smallest standard deviation divided by
    :param scale: where to keep mean and standard deviation, float32, shape (size,) each
    """

    def __init__(
        self,
        size: int,
        raw_clip: float,
        clip: float,
        minimum_std: float,
        device: torch.device | str = 'cpu',
        scale: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.raw_clip, self.clip, self.minimum_std = raw_clip, clip, minimum_std
        self._count = torch.zeros((), dtype=torch.float64, device=device)
        self._mean = torch.zeros(size, dtype=torch.float64, device=device)
        self._squares = torch.zeros(size, dtype=torch.float64, device=device)
        #: float32 copies that the networks' inputs are computed with, shape (size,)
        self.mean, self.std = scale or (torch.empty(size, device=device) for _ in range(2))
        self.mean.zero_()
        self.std.fill_(1.0)

    def update(self, values: Tensor) -> None:
        """Update the statistics with values, shape (n, size)."""
        values = values.double().clamp(-self.raw_clip, self.raw_clip)
        mean = values.mean(0)
        count = torch.tensor(len(values), dtype=torch.float64, device=values.device)
        self.merge(count, mean, ((values - mean) ** 2).sum(0))

    def merge(self, count: Tensor, mean: Tensor, squares: Tensor) -> None:
        """
        Update the statistics with those of other values.

        :param count: number of values
        :param mean: their mean, shape (size,)
        :param squares: the sum of their squared distances from it, shape (size,)
        """
        total = self._count + count
        share = count / total.clamp(min=1.0)
        delta = mean - self._mean
        self._squares += squares + delta**2 * (self._count * share)
        self._mean += delta * share
        self._count.copy_(total)
        self._refresh()

    def _refresh(self) -> None:
        self.mean.copy_(self._mean)
        variance = self._squares / self._count.clamp(min=1.0)
        self.std.copy_(variance.sqrt().clamp(min=self.minimum_std))

    def __call__(self, values: Tensor) -> Tensor:
        """Normalise values of shape (n, size); the result is float32, within ±clip."""
        clipped = values.clamp(-self.raw_clip, self.raw_clip).float()
        return clipped.sub_(self.mean).div_(self.std).clamp_(-self.clip, self.clip)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the statistics."""
        return {'count': self._count, 'mean': self._mean, 'squares': self._squares}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load statistics."""
        self._count.copy_(state['count'])
        self._mean.copy_(state['mean'])
        self._squares.copy_(state['squares'])
        if self._count > 0:
            self._refresh()
