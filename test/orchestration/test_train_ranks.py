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

from contextlib import nullcontext
import os
import signal

from her_ros.orchestration import train_ranks
from her_ros.runtime.process import END_SIGNALS
import pytest


@pytest.fixture
def _own_signals():
    before = {number: signal.getsignal(number) for number in END_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures('_own_signals')
def test_a_follower_goes_on_at_signals_until_rank_0_ends_it(monkeypatch):
    """As torchrun sends them to all processes: rank 0 saves first, and then ends the others."""
    ended = []

    class Follower:
        """A training process that gets the signals and ends when rank 0 ends it."""

        def __init__(self, *_):
            pass

        def run(self):
            for number in END_SIGNALS:
                os.kill(os.getpid(), number)
            ended.append('by rank 0')

    monkeypatch.setattr(train_ranks, 'die_with_parent', lambda parent: None)
    monkeypatch.setattr(train_ranks, 'ranks_of_environment', lambda: nullcontext())
    monkeypatch.setattr(train_ranks, 'RankFollower', Follower)
    assert train_ranks.follow_trainer() == 0
    assert ended == ['by rank 0']
