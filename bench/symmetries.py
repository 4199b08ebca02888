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
Measure how well the simulation obeys the symmetries that the tasks declare.

The block and the table look the same in a mirror and anywhere on the table, but the arm does not.
Pairs of environments start in states that a symmetry maps onto each other. One gets a sequence of
actions, the other gets the transformed sequence. The table shows the differences between where the
second one is and where the symmetry says it should be. The second table shows where the arm moves
less than elsewhere: the distance that the gripper covers per control period with full actions.

Run: ``python bench/symmetries.py``
"""

from collections.abc import Callable
from typing import NamedTuple

from her_ros.learning.replay.symmetries import reflections, Transformation
from her_ros.sim.fetch import FetchBatch
from her_ros.tasks.goal_task import GoalTask
from her_ros.tasks.registry import TASKS
from her_ros.tasks.symmetry import Kind
import numpy as np
from numpy.typing import NDArray
from table import print_table
import torch

Floats = NDArray[np.float64]
# Half of a full action: so the gripper is slow enough not to knock blocks over.
SLOW = 0.5


class Symmetry(NamedTuple):
    """A reflection along x, along y, or an offset, metres."""

    name: str
    front_back: bool = False
    left_right: bool = False
    offset_m: tuple[float, float] = (0.0, 0.0)

    def of(self, kinds: list[tuple[Kind, int]], task: GoalTask, values: Floats) -> Floats:
        """Transform values of a task, shape (n, m)."""
        assert task.symmetries is not None
        happens = torch.tensor([[self.front_back], [self.left_right]], dtype=torch.float64)
        mirrored = happens.expand(2, len(values))
        planes = (task.symmetries.front_back_x_m, task.symmetries.left_right_y_m)
        shift = [
            2.0 * plane * is_mirrored + offset
            for plane, is_mirrored, offset in zip(planes, self[1:3], self.offset_m, strict=True)
        ]
        of_rows = torch.tensor(shift, dtype=torch.float64)[:, None].expand(2, len(values))
        transformation = Transformation(kinds, torch.float64)
        which = reflections(mirrored)
        return transformation(torch.as_tensor(values), mirrored, which, of_rows).numpy()


SYMMETRIES = (
    Symmetry('left-right', left_right=True),
    Symmetry('front-back', front_back=True),
    Symmetry('10 cm along x', offset_m=(0.1, 0.0)),
    Symmetry('-10 cm along x', offset_m=(-0.1, 0.0)),
    Symmetry('10 cm along y', offset_m=(0.0, 0.1)),
    Symmetry('20 cm along y', offset_m=(0.0, 0.2)),
)


class Script(NamedTuple):
    """Actions that follow the first environment of each pair."""

    task: str
    steps: int
    #: step, gripper and block, metres, shape (n, 3), and a direction, shape (n, 2): target of the
    #: gripper, and whether the fingers close
    target: Callable[[int, Floats, Floats, Floats], tuple[Floats, bool]]


def at_rest(step: int, gripper: Floats, block: Floats, direction: Floats) -> tuple[Floats, bool]:
    """Move about above the block."""
    angle = 0.7 * (step // 4)
    turned = direction @ np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )
    return gripper + np.c_[0.05 * turned, np.zeros(len(turned))], True


def pushed(step: int, gripper: Floats, block: Floats, direction: Floats) -> tuple[Floats, bool]:
    """Go behind the block, go down, push for eight steps."""
    height = np.full(len(block), 0.48 if step < 12 else 0.425)
    behind = -0.1 if step < 18 else 0.1
    return np.c_[block[:, :2] + behind * direction, height], True


def grasped(step: int, gripper: Floats, block: Floats, direction: Floats) -> tuple[Floats, bool]:
    """Go above the block, go down, close the fingers, carry it upwards and away."""
    if step < 20:
        return block + np.array([0.0, 0.0, 0.07 if step < 12 else 0.0]), False
    away = np.c_[0.05 * direction, np.full(len(block), 0.1)]
    return gripper + (0.0 if step < 26 else 1.0) * away, True


SCRIPTS = {
    'at rest': Script('FetchPush', 20, at_rest),
    'pushed': Script('FetchPush', 26, pushed),
    'grasped': Script('FetchPickAndPlace', 40, grasped),
}


class Difference(NamedTuple):
    """Differences of the second environments from the transformed first ones, metres."""

    #: of the gripper, at any time, shape (n,)
    gripper_m: Floats
    #: of the distance that the gripper covers in a control period, shape (n,)
    move_m: Floats
    #: of the block, in the end, shape (n,)
    block_m: Floats
    #: how far the blocks of the first environments have moved, shape (n,)
    block_moved_m: Floats


def compare(symmetry: Symmetry, script: Script, count: int = 8) -> Difference:
    """Run a script in ``count`` pairs of environments."""
    task = TASKS[script.task]
    batch, first = FetchBatch(task, [0] * (2 * count)), slice(0, count)
    random = np.random.default_rng(0)
    angle = random.uniform(0.0, 2.0 * np.pi, count)
    direction = np.stack([np.cos(angle), np.sin(angle)], 1)
    start = prepare(batch, symmetry, random)
    gripper, block, last = [], [], batch.state().observation
    for step in range(script.steps):
        seen = last[first]
        target, closes = script.target(step, seen[:, :3], seen[:, 3:6], direction)
        action = np.zeros((count, 4))
        action[:, :3] = np.clip((target - seen[:, :3]) / 0.05, -SLOW, SLOW)
        action[:, 3] = -1.0 if closes else 1.0
        both = np.concatenate([action, symmetry.of(task.action_kinds, task, action)])
        now = batch.step(both.astype(np.float32)).observation
        expected = symmetry.of(task.observation_kinds, task, now[first])
        difference = np.abs(now[count:] - expected)
        gripper.append(difference[:, :3].max(1))
        block.append(difference[:, 3:6].max(1))
        last = now
    moves = np.abs(np.diff(np.stack(gripper), axis=0))
    moved = np.linalg.norm(last[first, 3:6] - start[first], axis=1)
    return Difference(np.max(gripper, axis=0), moves.max(0), block[-1], moved)


def prepare(batch: FetchBatch, symmetry: Symmetry, random: np.random.Generator) -> Floats:
    """Bring grippers and blocks of the pairs to their places; return those of the blocks."""
    task, count = batch.task, len(batch) // 2
    assert task.symmetries is not None
    plane = np.array([task.symmetries.front_back_x_m, task.symmetries.left_right_y_m])
    batch.reset()
    shown = batch.state().observation
    gripper = np.repeat([[*plane, 0.5]], count, 0)
    block = np.c_[plane + random.uniform(-0.1, 0.1, (count, 2)), shown[:count, 5]]
    position = [(Kind.POSITION, 3)]
    grippers, blocks = (
        np.concatenate([each, symmetry.of(position, task, each)]) for each in (gripper, block)
    )
    bring_grippers(batch, grippers)
    place_blocks(batch, blocks)
    batch.step(np.zeros((len(batch), 4), np.float32))
    return blocks


def bring_grippers(batch: FetchBatch, target: Floats) -> None:
    """Move the grippers, with open fingers, to points, metres, shape (n, 3)."""
    for _ in range(40):
        action = np.ones((len(batch), 4))
        action[:, :3] = np.clip((target - batch.state().observation[:, :3]) / 0.05, -1.0, 1.0)
        batch.step(action.astype(np.float32))


def place_blocks(batch: FetchBatch, position: Floats) -> None:
    """Put blocks, at rest and upright, to points, metres, shape (n, 3)."""
    model = batch._model
    assert model.object is not None
    place, turn, end = model.object_qpos, model.object_qpos + 3, model.object_qpos + 7
    batch._state['qpos'][:, place:turn] = position
    batch._state['qpos'][:, turn:end] = (1.0, 0.0, 0.0, 0.0)
    batch._state['qvel'][:, model.object.dofs] = 0.0
    batch._update_positions(None, slice(None))


def strides() -> list[tuple[object, ...]]:
    """Return how far the gripper moves per full action, mm, by place and direction."""
    task = TASKS['FetchPush']
    assert task.symmetries is not None
    centre = np.array([1.3419, task.symmetries.left_right_y_m, 0.5])
    directions = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    rows: list[tuple[object, ...]] = []
    for x, y in ((-0.2, 0), (-0.1, 0), (0, 0), (0.1, 0), (0.15, 0), (0.2, 0), (0, 0.2), (0, -0.2)):
        batch = FetchBatch(task, [0] * len(directions))
        batch.reset()
        place_blocks(batch, np.repeat([[1.2, 1.1, 0.425]], len(batch), 0))
        bring_grippers(batch, np.repeat([centre + np.array([x, y, 0.0])], len(batch), 0))
        action = np.c_[directions, np.zeros(len(batch))].astype(np.float32)
        places = [batch.state().observation[:, :3]]
        places += [batch.step(action).observation[:, :3] for _ in range(3)]
        # The first step speeds the arm up.
        moved = (places[-1] - places[1]) / 2.0
        rows.append((f'{x:+.2f} {y:+.2f}', *(1e3 * (moved * directions).sum(1))))
    return rows


def main() -> None:
    rows = []
    for symmetry in SYMMETRIES:
        for name, script in SCRIPTS.items():
            found = compare(symmetry, script, count=16)
            values = [1e3 * each for each in found[:3]]
            rows.append(
                (
                    f'{symmetry.name}, block {name}',
                    *(f'{np.median(each):.2f} ({each.max():.2f})' for each in values),
                )
            )
    columns = ('gripper', "gripper's moves", 'block in the end')
    print_table('difference, mm, median (largest)', columns, rows)
    print_table('mm per full action, at x y', ('+x', '-x', '+y', '-y', '+z', '-z'), strides())


if __name__ == '__main__':
    main()
