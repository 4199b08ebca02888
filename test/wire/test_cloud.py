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

from her_ros.wire.cloud import encode_cloud, stamp_of
from her_ros.wire.rows import RowError
import numpy as np
import pytest

ROWS = np.zeros(2, [('x', 'f4')])


@pytest.mark.parametrize('stamp_ns', [0, 1, 999_999_999, 1_700_000_000_123_456_789, -1])
def test_the_stamp_comes_back(stamp_ns):
    assert stamp_of(encode_cloud(ROWS, stamp_ns)) == stamp_ns


def test_a_stamp_of_a_big_endian_sender_reads_right():
    message = b'\0\0\0\0' + (7).to_bytes(4, 'big') + (250_000_000).to_bytes(4, 'big')
    assert stamp_of(message) == 7_250_000_000


def test_a_message_that_ends_in_its_stamp_is_refused():
    with pytest.raises(RowError, match='11 bytes'):
        stamp_of(encode_cloud(ROWS, 0)[:11])
