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

import sys
from types import SimpleNamespace

from her_ros.analysis.video_file import require_writable, VideoError, write_video
import numpy as np
from PIL import Image
import pytest


@pytest.fixture
def pictures():
    """Ten pictures of 48 × 32 pixels, in which a bright square moves."""
    made = np.zeros((10, 32, 48, 3), np.uint8)
    for number in range(10):
        left, right = 4 * number, 4 * number + 8
        made[number, 8:24, left:right] = (250, 120, 20)
    return made


@pytest.mark.parametrize('suffix', ['.gif', '.webp', '.WEBP'])
def test_an_animation_has_every_picture_at_its_time(tmp_path, pictures, suffix):
    path = tmp_path / f'it{suffix}'
    write_video(path, pictures, 25)
    with Image.open(path) as found:
        assert found.n_frames == 10
        assert found.size == (48, 32)
        for number in (0, 4, 9):
            found.seek(number)
            picture = np.asarray(found.convert('RGB')).astype(int)
            assert np.abs(picture - pictures[number]).mean() < 12
        found.load()
        assert found.info['duration'] == 40
        assert found.info['loop'] == 0


def test_mp4_is_what_browsers_play(tmp_path, pictures):
    ffmpeg = pytest.importorskip('imageio_ffmpeg')
    path = tmp_path / 'it.mp4'
    write_video(path, iter(pictures), 25)
    frames = ffmpeg.read_frames(path)
    facts = next(frames)
    assert facts['codec'] == 'h264'
    assert facts['pix_fmt'].startswith('yuv420p')
    assert (facts['fps'], facts['size']) == (25, (48, 32))
    found = [np.frombuffer(each, np.uint8).reshape(32, 48, 3) for each in frames]
    assert len(found) == 10
    assert found[9][16, 38, 0] > 150 > found[0][16, 38, 0]
    # The index comes before the pictures, so that a page plays it while it loads.
    content = path.read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')


def test_a_video_that_cannot_be_written_is_refused_before_it_is_made(tmp_path):
    with pytest.raises(VideoError, match=r'chooses the kind of video; use \.mp4, \.webp, \.gif'):
        require_writable(tmp_path / 'it.avi')
    with pytest.raises(VideoError, match='no such folder; make it first'):
        require_writable(tmp_path / 'nowhere' / 'it.webp')


def test_without_its_library_mp4_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'imageio_ffmpeg', None)
    with pytest.raises(VideoError, match=r"not installed; pip install 'her_ros\[video\]'"):
        require_writable(tmp_path / 'it.mp4')


def test_what_fails_while_drawing_leaves_the_old_video(tmp_path, pictures):
    path = tmp_path / 'it.webp'
    path.write_bytes(b'before')

    def failing():
        yield pictures[0]
        raise VideoError('no more')

    with pytest.raises(VideoError, match='no more'):
        write_video(path, failing(), 25)
    assert path.read_bytes() == b'before'
    assert [*tmp_path.iterdir()] == [path]


def test_an_error_of_ffmpeg_names_the_file_that_was_asked_for(tmp_path, pictures, monkeypatch):
    def write_frames(*_, **__):
        raise OSError('disk full')
        yield

    ffmpeg = SimpleNamespace(write_frames=write_frames)
    monkeypatch.setitem(sys.modules, 'imageio_ffmpeg', ffmpeg)
    path = tmp_path / 'it.mp4'
    with pytest.raises(VideoError) as caught:
        write_video(path, pictures, 25)
    assert str(caught.value) == f'{path}: ffmpeg cannot write it (disk full); write .webp'
