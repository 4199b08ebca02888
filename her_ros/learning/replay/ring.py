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

"""Ring buffer of rows, in the order of arrival."""

import torch
from torch import Tensor


class Ring:
    """
    Numbers of rows, of which the oldest are forgotten first.

    :param capacity: rows remembered at the most
    """

    def __init__(self, capacity: int, device: torch.device | str) -> None:
        self._capacity = capacity
        self._rows = torch.zeros(capacity, dtype=torch.int32, device=device)
        self._oldest, self._count = 0, 0
        # The same two numbers on the device, where picking reads them.
        self._live = torch.zeros(2, dtype=torch.int64, device=device)

    def __len__(self) -> int:
        """Return the number of remembered rows."""
        return self._count

    def append(self, rows: Tensor) -> None:
        """Remember rows; there must be room."""
        count = len(rows)
        begin = (self._oldest + self._count) % self._capacity
        fits = min(count, self._capacity - begin)
        end = begin + fits
        self._rows[begin:end] = rows[:fits]
        self._rows[: count - fits] = rows[fits:]
        self._count += count
        self._note()

    def forget(self, count: int) -> None:
        """Forget the oldest rows."""
        self._oldest = (self._oldest + count) % self._capacity
        self._count -= count
        self._note()

    def _note(self) -> None:
        self._live.copy_(torch.tensor([self._oldest, self._count]))

    @property
    def count(self) -> Tensor:
        """Return the number of remembered rows, as a tensor on the device."""
        return self._live[1]

    def pick(self, uniform: Tensor) -> Tensor:
        """
        Choose rows uniformly; any number at all where nothing is remembered.

        Tensors alone decide, so this can be compiled or captured.

        :param uniform: numbers in [0, 1), float64, shape (n,)
        """
        oldest, count = self._live.unbind()
        place = (oldest + (uniform * count).long()) % self._capacity
        return self._rows.index_select(0, place).long()
