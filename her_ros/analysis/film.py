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

"""Film a policy's evaluation episodes, several beside each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
import math
from pathlib import Path
from typing import NamedTuple

from her_ros.analysis.video_file import Picture, write_video
from her_ros.orchestration.progress import tracked
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.arm.batch import ArmBatch
from her_ros.sim.evaluate import FIRST_SEED
from her_ros.sim.fetch import FetchBatch
from her_ros.sim.registry import simulation_of
from her_ros.sim.rendering.display_scene import FPS
from her_ros.sim.rendering.painter import Painter
from her_ros.sim.rollout import Rollout
from her_ros.tasks.goal_task import GoalTask
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

# For so long the last picture stays, seconds.
_LAST_S = 1.0
# Width of an edge, size of the letters and height of the band they are in, pixels.
_EDGE, _TEXT, _BAND = 3, 15, 26
_REACHED, _MISSED, _RUNNING = (20, 150, 60), (200, 40, 40), (200, 205, 210)
_INK, _PAPER = (30, 34, 40), (255, 255, 255)


#: draws joint positions and a goal, see :meth:`Painter.draw`
Draw = Callable[[NDArray[np.float64], NDArray[np.float64]], Picture]


class Tile(NamedTuple):
    """One episode at one moment."""

    picture: Picture
    caption: str
    #: text at the right: the remaining distance, or the outcome
    note: str
    #: of the edge, red, green and blue
    color: tuple[int, int, int]


def write_film(policy: OnnxPolicy, task: GoalTask, episodes: int, path: Path) -> None:
    """
    Film the first evaluation episodes of a policy into a file.

    :param task: on which the policy is evaluated
    :raises HerRosError: if the task has no scene to draw, or the video cannot be made
    """
    painter = Painter(task, *_size_of(path))
    moments = film(policy, task, range(episodes), painter.draw)
    shown = tracked(moments, 'drawing', task.episode_length + 1)
    try:
        write_video(path, pictures_of(shown), FPS)
    finally:
        painter.close()


def _size_of(path: Path) -> tuple[int, int]:
    """Return width and height of a tile; smaller where pictures take more bytes."""
    return (320, 240) if path.suffix.lower() == '.mp4' else (240, 180)


def film(
    policy: OnnxPolicy, task: GoalTask, episodes: Sequence[int], draw: Draw
) -> Iterator[list[Tile]]:
    """
    Draw evaluation episodes of a policy: those of :func:`evaluation_steps`.

    :param task: one of the Fetch tasks, or of those that any arm does
    :param episodes: their numbers, counted from 0
    :param draw: see :meth:`Painter.draw`
    :return: the tiles of each moment, one per episode
    """
    batch = simulation_of(task, [0] * len(episodes))
    assert isinstance(batch, FetchBatch | ArmBatch)  # others have no scene, so no painter
    rollout = Rollout(task, batch, session=0)
    rows = rollout.start(seeds=[FIRST_SEED + number for number in episodes])
    while True:
        reached = task.is_success(rows['achieved_goal'], rows['desired_goal'])
        left_m = task.distance(rows['achieved_goal'], rows['desired_goal'])
        yield [
            Tile(
                draw(batch.qpos(i), rows['desired_goal'][i]),
                f'episode {number + 1}',
                *_outcome(bool(reached[i]), rollout.finished, float(left_m[i])),
            )
            for i, number in enumerate(episodes)
        ]
        if rollout.finished:
            return
        goals = (rows['achieved_goal'], rows['desired_goal'])
        rollout.accept_all(policy.act(rows['observation'], *goals), policy.version)
        rows = rollout.advance()


def _outcome(reached: bool, over: bool, left_m: float) -> tuple[str, tuple[int, int, int]]:
    if reached:
        return ('success' if over else 'at the goal'), _REACHED
    return (
        (f'missed by {100 * left_m:.1f} cm', _MISSED)
        if over
        else (
            f'{100 * left_m:.1f} cm',
            _RUNNING,
        )
    )


def pictures_of(moments: Iterable[Sequence[Tile]]) -> Iterator[Picture]:
    """Put the tiles of each moment into a grid; the last one stays for a second."""
    picture = None
    for tiles in moments:
        picture = grid(tiles)
        yield picture
    if picture is not None:
        for _ in range(round(_LAST_S * FPS)):
            yield picture


def grid(tiles: Sequence[Tile], columns: int = 0) -> Picture:
    """
    Put tiles of one size beside and below each other, with captions and edges.

    :param columns: tiles in a row; 0: about as many as rows
    """
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    height, width = tiles[0].picture.shape[:2]
    sheet = Image.new('RGB', (columns * width, rows * (height + _BAND)), _PAPER)
    for place, tile in enumerate(tiles):
        corner = (place % columns * width, place // columns * (height + _BAND))
        sheet.paste(_framed(tile), corner)
    return np.asarray(sheet)


def _framed(tile: Tile) -> Image.Image:
    """Draw a tile: its picture below a band with its caption and note, in an edge."""
    height, width = tile.picture.shape[:2]
    image = Image.new('RGB', (width, height + _BAND), _PAPER)
    image.paste(Image.fromarray(tile.picture), (0, _BAND))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width - 1, height + _BAND - 1), outline=tile.color, width=_EDGE)
    font, middle = ImageFont.load_default(_TEXT), (_BAND + _EDGE) // 2
    draw.text((2 * _EDGE, middle), tile.caption, _INK, font, anchor='lm')
    color = _INK if tile.color == _RUNNING else tile.color
    draw.text((width - 2 * _EDGE, middle), tile.note, color, font, anchor='rm')
    return image
