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

import os
import pickle
import zipfile

from her_ros.learning.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
import numpy as np
import pytest
import torch

STATE = {
    'weights': torch.arange(300, dtype=torch.float64),
    'nested': {'generator': torch.Generator().manual_seed(3).get_state(), 'none': None},
    'log': [['a.mcap', '0' * 64], ['ü.mcap', 'f' * 64]],
    'seconds': 1.5,
    'version': 7,
}


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other) and one.dtype == other.dtype
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / 'checkpoint'
    save_checkpoint(path, STATE)
    assert same(STATE, load_checkpoint(path))
    save_checkpoint(path, {'version': 8})
    assert load_checkpoint(path) == {'version': 8}
    assert os.listdir(tmp_path) == ['checkpoint']


def test_a_checkpoint_that_is_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / 'checkpoint'
    save_checkpoint(path, STATE)
    content = path.read_bytes()
    for size in range(0, len(content), 41):
        path.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match='not a readable checkpoint'):
            load_checkpoint(path)


def test_a_flipped_bit_never_changes_what_is_loaded(tmp_path):
    """Either it is noticed, or it lies where nothing is stored."""
    path = tmp_path / 'checkpoint'
    save_checkpoint(path, STATE)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    noticed = []
    for position in random.choice(len(content), 400, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            assert same(STATE, load_checkpoint(path))
        except CheckpointError as error:
            noticed.append(str(error))
    # The weights alone are 2,400 of the bytes.
    assert len(noticed) > 400 * 2400 / len(content)
    for message in noticed:
        assert message.startswith(f'{path}: not a readable checkpoint (')
        assert len(message.splitlines()) == 1


class Bomb:
    """An object whose unpickling runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize(
    'save', [torch.save, lambda state, path: path.write_bytes(pickle.dumps(state))]
)
def test_arbitrary_objects_are_refused_and_run_nothing(tmp_path, save):
    path, trace = tmp_path / 'checkpoint', tmp_path / 'it ran'
    save({'weights': torch.zeros(3), 'bomb': Bomb(trace)}, path)
    with pytest.raises(CheckpointError, match='move it away to learn anew'):
        load_checkpoint(path)
    assert not trace.exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=f'^{tmp_path}/none: not a readable checkpoint'):
        load_checkpoint(tmp_path / 'none')


def test_a_refusal_does_not_advise_to_run_what_a_file_holds(tmp_path):
    torch.save({'value': print}, tmp_path / 'checkpoint')
    with pytest.raises(CheckpointError, match='more than tensors') as refusal:
        load_checkpoint(tmp_path / 'checkpoint')
    assert 'weights_only' not in str(refusal.value)


def test_a_compressed_checkpoint_is_refused_before_it_is_read(tmp_path):
    whole, path = tmp_path / 'whole', tmp_path / 'checkpoint'
    save_checkpoint(whole, STATE)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, 'w') as target:
        for each in source.namelist():
            target.writestr(each, source.read(each), zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match='it is compressed'):
        load_checkpoint(path)


def test_a_pipe_is_no_checkpoint(tmp_path):
    os.mkfifo(tmp_path / 'checkpoint')
    with pytest.raises(CheckpointError, match='not a regular file'):
        load_checkpoint(tmp_path / 'checkpoint')
