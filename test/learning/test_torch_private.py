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

"""What the learner takes from the private parts of torch is still there and does the same."""

from her_ros.learning.torch_private import (
    compile_backward_passes,
    compile_cache,
    foreach_lerp_,
    fused_adam_,
)
import torch

RATE, SHAPES = 1e-2, ((3, 4), (4,))


def random_tensors(seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in SHAPES]


def fused_step(parameters, gradients, step, memory, **options):
    means, squares = memory
    steps = [torch.tensor(float(step))] * len(parameters)
    fused_adam_(
        parameters, gradients, means, squares, [], steps, lr=RATE, beta1=0.9, beta2=0.999,
        weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False, **options,
    )  # fmt: skip


def test_fused_adam_takes_the_steps_of_adam():
    parameters = random_tensors(0)
    expected = [each.clone().requires_grad_() for each in parameters]
    optimizer = torch.optim.Adam(expected, RATE, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    memory = [[torch.zeros(shape) for shape in SHAPES] for _ in range(2)]
    for step in (1, 2, 3):
        gradients = random_tensors(step)
        for each, gradient in zip(expected, gradients, strict=True):
            each.grad = gradient.clone()
        optimizer.step()
        fused_step(parameters, gradients, step, memory)
    for found, each in zip(parameters, expected, strict=True):
        torch.testing.assert_close(found, each.detach())


def test_fused_adam_leaves_everything_when_it_is_told_to():
    parameters, before = random_tensors(0), random_tensors(0)
    memory = [[torch.zeros(shape) for shape in SHAPES] for _ in range(2)]
    fused_step(parameters, random_tensors(1), 1, memory, found_inf=torch.tensor(1.0))
    assert all(map(torch.equal, parameters, before))
    assert not any(each.any() for kind in memory for each in kind)


def test_many_tensors_move_by_a_share_of_the_way():
    parameters, goals = random_tensors(0), random_tensors(1)
    expected = [a + 0.25 * (b - a) for a, b in zip(parameters, goals, strict=True)]
    foreach_lerp_(parameters, goals, 0.25)
    for found, each in zip(parameters, expected, strict=True):
        torch.testing.assert_close(found, each)


def test_the_compiler_has_the_setting_for_backward_passes():
    # torch raises AttributeError for a setting that it does not have.
    compile_backward_passes()


def test_the_cache_of_the_compiler_is_where_its_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCHINDUCTOR_CACHE_DIR', str(tmp_path / 'cache'))
    assert compile_cache() == tmp_path / 'cache'
