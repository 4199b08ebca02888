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

from collections import deque

from her_ros.learning.replay.ring import Ring
import numpy as np
import torch


def test_a_ring_remembers_what_a_deque_does(device):
    random, ring, peer = np.random.default_rng(0), Ring(37, device), deque()
    for first in range(1000):
        count = int(random.integers(1, 9))
        if len(peer) + count > 37:
            forgotten = int(random.integers(count, len(peer) + 1))
            ring.forget(forgotten)
            for _ in range(forgotten):
                peer.popleft()
        rows = torch.arange(10 * first, 10 * first + count, dtype=torch.int32)
        ring.append(rows.to(device))
        peer.extend(range(10 * first, 10 * first + count))
        assert len(ring) == int(ring.count) == len(peer)
        each = (torch.arange(len(peer), dtype=torch.float64, device=device) + 0.5) / len(peer)
        assert ring.pick(each).tolist() == list(peer)


def test_the_ends_of_the_range_pick_the_oldest_and_the_newest(device):
    ring = Ring(10, device)
    ring.append(torch.arange(100, 107, dtype=torch.int32, device=device))
    ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64, device=device)
    assert ring.pick(ends).tolist() == [100, 106]


def test_picking_from_nothing_does_not_fail(device):
    numbers = torch.tensor([0.0, 0.5, float('nan'), float('inf')], dtype=torch.float64)
    assert Ring(1, device).pick(numbers.to(device)).shape == (4,)
