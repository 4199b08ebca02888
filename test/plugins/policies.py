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

"""Fixture of tests of exported policies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope='session')
def check_exported_policy() -> Callable[[Any], bytes]:
    """See that the policy that a learner exports acts as the learner does; return the policy."""

    def check(learner: Any) -> bytes:
        # Here: loaded for the tests that use it alone.
        import onnxruntime
        import torch

        content: bytes = learner.policy(1, {})
        session = onnxruntime.InferenceSession(content)
        random = np.random.default_rng(0)
        feed = {
            each.name: random.normal(size=(50, each.shape[1])).astype(np.float32)
            for each in session.get_inputs()
        }
        order = ('observation', 'achieved_goal', 'desired_goal')
        state = learner.state(*(torch.from_numpy(feed[name]) for name in order))
        expected = learner.algorithm.act(learner.agent.policy, state).numpy()
        np.testing.assert_allclose(session.run(None, feed)[0], expected, rtol=1e-5, atol=1e-6)
        return content

    return check
