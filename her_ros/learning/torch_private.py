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
All uses of private parts of torch, as in torch 2.13.

Another version of torch may change them; then ``test/learning/test_torch_private.py`` fails.
"""

from pathlib import Path

import torch

#: Adam for many tensors in one call; ``found_inf`` of 1 leaves everything unchanged
fused_adam_ = torch._fused_adam_
#: linear interpolation of many tensors in one call
foreach_lerp_ = torch._foreach_lerp_


def compile_backward_passes() -> None:
    """Let torch.compile take functions that call ``torch.autograd.grad``."""
    import torch._dynamo

    torch._dynamo.config.trace_autograd_ops = True


def compile_cache() -> Path:
    """Return the folder in which torch.compile keeps what it has compiled."""
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    return Path(cache_dir())
