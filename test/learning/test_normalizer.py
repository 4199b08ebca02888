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

import io

from her_ros.learning.normalizer import Normalizer
import numpy as np
import pytest
import torch

RAW_CLIP, CLIP, MINIMUM_STD = 200.0, 5.0, 0.01


def normalizer_of(size, device='cpu'):
    return Normalizer(size, RAW_CLIP, CLIP, MINIMUM_STD, device)


@pytest.fixture
def batches():
    """Batches of all sizes; columns: ordinary, offset, far beyond the clip, constant, tiny."""
    random = np.random.default_rng(0)
    offset = np.array([0, 150, 0, 3, 7])
    scale = np.array([1, 0.1, 300, 0, 1e-5])
    return [offset + scale * random.normal(size=(count, 5)) for count in (50, 1, 300, 7, 1)]


def reference(values):
    """Mean and standard deviation of everything at once."""
    clipped = np.clip(values, -RAW_CLIP, RAW_CLIP)
    return clipped.mean(0), np.maximum(clipped.std(0), MINIMUM_STD)


def test_statistics_are_those_of_all_values_seen(batches, device):
    normalizer = normalizer_of(5, device)
    for count in range(1, len(batches) + 1):
        normalizer.update(torch.from_numpy(batches[count - 1]).to(device))
        mean, std = reference(np.concatenate(batches[:count]))
        np.testing.assert_allclose(normalizer.mean.cpu().numpy(), mean, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(normalizer.std.cpu().numpy(), std, rtol=1e-6)


def test_inputs_are_clipped_centred_scaled_and_clipped_again(batches, device):
    normalizer = normalizer_of(5, device)
    values = np.concatenate(batches)
    normalizer.update(torch.from_numpy(values).to(device))
    mean, std = reference(values)
    inputs = np.random.default_rng(1).normal(size=(500, 5)) * [3, 200, 500, 1, 1] + mean
    expected = np.clip((np.clip(inputs, -RAW_CLIP, RAW_CLIP) - mean) / std, -CLIP, CLIP)
    assert (np.abs(expected) == CLIP).any()
    assert (np.abs(expected) < CLIP).any()
    outputs = normalizer(torch.from_numpy(inputs).to(device)).cpu()
    assert outputs.dtype == torch.float32
    # A column divided by 0.01 shows the float32 rounding of its inputs a hundredfold.
    np.testing.assert_allclose(outputs.numpy(), expected, atol=2e-3)
    np.testing.assert_allclose(outputs[:, 0].numpy(), expected[:, 0], atol=1e-6)


def test_precision_does_not_wear_off():
    """A million small numbers on a large offset, where float32 sums would see no deviation."""
    normalizer = Normalizer(1, RAW_CLIP, CLIP, 1e-9)
    values = 150 + 1e-4 * np.random.default_rng(0).standard_normal((1_000_000, 1))
    for batch in torch.from_numpy(values).split(50_000):
        normalizer.update(batch)
    np.testing.assert_allclose(normalizer.std.numpy(), values.std(0), rtol=1e-6)


def test_before_the_first_value_inputs_are_only_clipped():
    values = torch.tensor([[-7.0, 0.5, 1000.0]])
    assert normalizer_of(3)(values).tolist() == [[-5.0, 0.5, 5.0]]


def test_statistics_survive_a_round_trip_and_go_on_as_before(batches, device):
    original, copy = normalizer_of(5, device), normalizer_of(5, device)
    original.update(torch.from_numpy(batches[0]).to(device))
    buffer = io.BytesIO()
    torch.save(original.state_dict(), buffer)
    buffer.seek(0)
    copy.load_state_dict(torch.load(buffer, map_location='cpu', weights_only=True))
    values = torch.from_numpy(batches[2]).to(device)
    for _ in range(2):
        assert torch.equal(copy.mean, original.mean)
        assert torch.equal(copy.std, original.std)
        assert torch.equal(copy(values), original(values))
        for normalizer in (original, copy):
            normalizer.update(values)


def test_an_empty_state_is_restored_as_one():
    copy = normalizer_of(2)
    copy.load_state_dict(normalizer_of(2).state_dict())
    assert copy.mean.tolist() == [0, 0]
    assert copy.std.tolist() == [1, 1]
