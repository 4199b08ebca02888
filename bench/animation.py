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
Draw the animation of the README from the shipped policies: ``python bench/animation.py``.

Each task shows ``models/<task>/policy.onnx`` in those of the first evaluation episodes whose goals
are the farthest at first.
"""

from collections.abc import Iterator
from pathlib import Path

from her_ros.analysis.film import film, grid, Tile
from her_ros.analysis.video_file import Picture, write_video
from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.sim.evaluate import evaluation_steps
from her_ros.sim.rendering.display_scene import FPS
from her_ros.sim.rendering.painter import Painter
from her_ros.tasks.registry import task_named
import numpy as np
from options import Options, whole

ROOT = Path(__file__).parent.parent
TASKS = ('FetchReach', 'FetchPush', 'FetchSlide', 'FetchPickAndPlace')
# Episodes that are shown, of so many.
EPISODES, OF = 2, 12
# Pictures that are left out between two, and how many show the end of an episode.
STRIDE, LAST = 2, 10


def farthest(policy: OnnxPolicy) -> list[int]:
    """Return the numbers of the episodes that start farthest from their goals."""
    task = task_named(policy.contract.task)
    starts = next(evaluation_steps(task, policy.act, 0, EvaluationProtocol(OF, OF, 1)))
    left_m = task.distance(starts['achieved_goal'], starts['desired_goal'])
    return np.argsort(left_m)[-EPISODES:].tolist()


def tiles_of(task: str, width: int) -> list[list[Tile]]:
    """Draw the episodes of a task; return the tiles of each moment, one per episode."""
    policy = OnnxPolicy.load(ROOT / 'models' / task / 'policy.onnx')
    goal_task = task_named(task)
    painter = Painter(goal_task, width, 3 * width // 4)
    moments = [*film(policy, goal_task, farthest(policy), painter.draw)]
    painter.close()
    shown = [*moments[:-1:STRIDE], moments[-1]]
    return [[tile._replace(caption=task) for tile in tiles] for tiles in shown]


def pictures(width: int, columns: int) -> Iterator[Picture]:
    """Put the tasks beside each other, episode after episode."""
    tasks = [tiles_of(task, width) for task in TASKS]
    for episode in range(EPISODES):
        for moment in zip(*tasks, strict=True):
            picture = grid([tiles[episode] for tiles in moment], columns)
            yield picture
        for _ in range(LAST):
            yield picture


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / '_static' / 'tasks.webp')
    parser.add_argument('--width', type=whole(16), default=240, help='of a tile, pixels')
    parser.add_argument('--columns', type=whole(1), default=4)
    arguments = parser.parse_args()
    write_video(arguments.out, pictures(arguments.width, arguments.columns), FPS / STRIDE)
    print(f'{arguments.out}: {arguments.out.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    main()
