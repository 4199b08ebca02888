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

"""
Curriculum for hindsight goals: diverse ones first, later those near the task's goals.

Fang et al. 2019, "Curriculum-guided Hindsight Experience Replay" (NeurIPS 2019): of the candidates
that HER sample_noise, those are replayed that raise λ · proximity + diversity most, where λ grows
exponentially with training. What is simpler here:

- Every transition of a batch has its own candidates and keeps one of them, instead of a batch
  being chosen from a larger one. So the priorities alone decide which transitions are replayed.
- Diversity is how well the chosen goals cover the first candidates of up to 256 transitions, a
  random sample of all candidates.
- The greedy choice is made for a sixteenth of the batch at a time, the members of which do not
  see each other.
"""

from her_ros.config.parameters.learner import LearnerParameters
import torch
from torch import Tensor

_BLOCKS = 16
_COVERED = 256
# Diversity is 256 at the most.
_DECISIVE = 1e6


class Curriculum:
    """Chooses one of several candidate goals for every transition of a batch."""

    def __init__(self, parameters: LearnerParameters) -> None:
        self._weight = parameters.curriculum_weight
        self._doubling = parameters.curriculum_doubling_updates

    def proximity_weight(self, updates: Tensor) -> Tensor:
        """
        Return λ after a number of updates, a scalar: λ₀ · 2^(updates / doubling).

        The paper's λ₀ (1 + η)^γ (section 3.4), with the growth as a time to double. It ends where
        proximity alone decides, since infinity would compare with nothing.
        """
        return (self._weight * torch.exp2(updates / self._doubling)).clamp(max=_DECISIVE)

    def choose(self, candidates: Tensor, desired: Tensor, updates: Tensor) -> Tensor:
        """
        Choose goals.

        :param candidates: achieved goals, metres, shape (c, n, G)
        :param desired: what the episodes were after, metres, shape (n, G)
        :param updates: number of updates made, a scalar on the device
        :return: which candidate each transition gets, int64, shape (n,)
        """
        return select(candidates, desired, self.proximity_weight(updates))


def select(candidates: Tensor, desired: Tensor, proximity_weight: Tensor) -> Tensor:
    """
    Choose goals greedily so that weight · proximity + diversity becomes large.

    Proximity is the sum over the chosen of their similarity to the desired goals; diversity sums,
    over the goals to be covered, the similarity of the chosen one most alike (facility location;
    section 3.2 and 3.3). Similarity is 1 minus the distance, in units of the largest in the batch.

    :return: which candidate each transition gets, int64, shape (n,)
    """
    candidates, desired = candidates.float(), desired.float()
    distance = _distances(candidates, candidates[:1, :_COVERED].expand(len(candidates), -1, -1))
    to_desired = torch.linalg.vector_norm(candidates - desired, dim=-1)
    proximity = proximity_weight * (1.0 - to_desired / to_desired.amax().clamp(min=1e-9))
    # In place, as it is a megabyte; that is a third of the time.
    similarity = distance.div_(-distance.amax().clamp(min=1e-9)).add_(1.0)
    covered = torch.zeros_like(similarity[0, 0])
    chosen = []
    size = -(-candidates.shape[1] // _BLOCKS)
    for near, alike in zip(proximity.split(size, 1), similarity.split(size, 1), strict=True):
        gain = near + (alike - covered).clamp_(min=0.0).sum(-1)
        best = gain.argmax(0)
        chosen.append(best)
        of_best = alike.gather(0, best[None, :, None].expand(1, -1, alike.shape[-1]))[0]
        covered = torch.maximum(covered, of_best.amax(0))
    return torch.cat(chosen)


def _distances(some: Tensor, others: Tensor) -> Tensor:
    """Return the distances between goals, shapes (c, n, G) and (c, m, G), as (c, n, m)."""
    # The faster way through matrix products rounds small distances to noise.
    return torch.cdist(some, others, compute_mode='donot_use_mm_for_euclid_dist')
