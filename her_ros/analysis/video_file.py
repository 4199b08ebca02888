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

"""Write videos: MP4, GIF and WebP, chosen by the suffix of the file."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import write_whole
import numpy as np
from numpy.typing import NDArray

#: a picture of red, green and blue, shape (height, width, 3)
Picture = NDArray[np.uint8]

_FFMPEG = 'imageio_ffmpeg'
# How far H.264 may depart from the pictures: 18 is hardly seen, 28 is seen.
_H264_CRF = 23
_WEBP_QUALITY = 60


class VideoError(HerRosError):
    """A video that cannot be written."""


def require_writable(path: Path) -> None:
    """
    Check that a video could be written, before it is made.

    :raises VideoError: if its suffix is unknown, its folder missing, or its library not installed
    """
    if path.suffix.lower() not in _WRITERS:
        known = ', '.join(_WRITERS)
        raise VideoError('the suffix chooses the kind of video', f'use {known}', source=path)
    if not path.parent.is_dir():
        raise VideoError('no such folder', 'make it first', source=path.parent)
    if path.suffix.lower() == '.mp4':
        _ffmpeg()


def write_video(path: Path, pictures: Iterable[Picture], fps: float) -> None:
    """
    Write pictures of one size, with even width and height.

    Each picture is asked for when it is written, so a video of any length fits into memory.

    :raises VideoError: if it cannot be written; a file that was there before stays
    """
    require_writable(path)
    writer = _WRITERS[path.suffix.lower()]
    try:
        write_whole(path, lambda new: writer(new, iter(pictures), fps))
    except VideoError as error:  # a writer knows its temporary file only
        raise VideoError.of(error, path) from error


def _write_mp4(path: Path, pictures: Iterator[Picture], fps: float) -> None:
    """Write H.264 with the subsampled colours and the early index that browsers want."""
    first = next(pictures)
    form = ['-f', 'mp4', '-crf', str(_H264_CRF), '-movflags', '+faststart']
    try:
        frames = _ffmpeg().write_frames(
            str(path),
            (first.shape[1], first.shape[0]),
            fps=fps,
            codec='libx264',
            quality=None,
            pix_fmt_out='yuv420p',
            macro_block_size=2,
            ffmpeg_log_level='error',
            output_params=form,
        )
        frames.send(None)
        for picture in _one_and_rest(first, pictures):
            frames.send(np.ascontiguousarray(picture))
        frames.close()
    except (OSError, RuntimeError) as error:  # ffmpeg is missing, or it ended
        reason = ' '.join(str(error).split())
        raise VideoError(f'ffmpeg cannot write it ({reason[:200]})', 'write .webp') from error


def _write_gif(path: Path, pictures: Iterator[Picture], fps: float) -> None:
    _write_images(path, pictures, fps, format='GIF', optimize=True, disposal=1)


def _write_webp(path: Path, pictures: Iterator[Picture], fps: float) -> None:
    _write_images(path, pictures, fps, format='WEBP', quality=_WEBP_QUALITY, method=4)


def _write_images(path: Path, pictures: Iterator[Picture], fps: float, **options: Any) -> None:
    from PIL import Image

    images = (Image.fromarray(picture) for picture in pictures)
    first = next(images)
    duration_ms = round(1000 / fps)
    first.save(path, save_all=True, append_images=images, duration=duration_ms, loop=0, **options)


_WRITERS: dict[str, Callable[[Path, Iterator[Picture], float], None]] = {
    '.mp4': _write_mp4,
    '.webp': _write_webp,
    '.gif': _write_gif,
}


def _one_and_rest(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise VideoError(
            f'MP4 needs {_FFMPEG}, which is not installed',
            "pip install 'her_ros[video]', or write .webp",
        ) from None
    return imageio_ffmpeg
