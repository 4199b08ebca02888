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
Inverse kinematics of the described arms: tracking error and time per call, beside mink.

The target moves through the workspace by actions of Fetch tasks, up to 5 cm per axis and control
period, half of them full ones; each is held for five periods. Every call begins from the joints of
the one before. Speed limits of joints are left out. Times are CPU time, so that other work on the
machine counts little. mink solves until its error is as small, or takes a single step; its rows
are missing where it is not installed.

Run: ``python bench/arms.py [--periods 2000]``; arms whose models cannot be had are named.
"""

from collections.abc import Callable, Iterator
import importlib.util
import time

from her_ros.arms.description import ArmDescription
from her_ros.arms.errors import ArmError
from her_ros.arms.inverse_kinematics import InverseKinematics
from her_ros.arms.model_files import kinematic_model
from her_ros.arms.registry import all_arms
import mujoco
import numpy as np
from numpy.typing import NDArray
from options import Options, whole
from table import print_figures, print_table

ACTION_M = 0.05
Solve = Callable[[NDArray, NDArray], NDArray]


def targets(arm: ArmDescription, periods: int, count: int) -> Iterator[NDArray]:
    """Yield positions of the tool, metres, frame of the base, shape (count, 3)."""
    random = np.random.default_rng(0)
    low, high = np.array(arm.workspace.low), np.array(arm.workspace.high)
    target = np.tile([*arm.workspace.centre, arm.workspace.table_height + 0.2], (count, 1))
    for period in range(periods):
        if period % 5 == 0:
            full = random.choice([-1.0, 1.0], (count, 3))
            action = np.where(
                random.random((count, 1)) < 0.5, full, random.uniform(-1, 1, full.shape)
            )
        target = np.clip(target + ACTION_M * action, low, high)
        yield target


def with_mink(ik: InverseKinematics, model: mujoco.MjModel, steps: int) -> Solve:
    """Return mink's inverse kinematics, solved by DAQP."""
    import mink

    arm, configuration = ik.description, mink.Configuration(model)
    is_site = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, arm.tool.frame) >= 0
    kind = 'site' if is_site else 'body'
    frame = mink.FrameTask(arm.tool.frame, kind, position_cost=1.0, orientation_cost=0.25)
    posture = mink.PostureTask(model, cost=1e-3)
    qpos = model.jnt_qposadr[[model.joint(name).id for name in arm.arm.joints]]
    home = model.qpos0.copy()
    home[qpos] = arm.arm.home
    posture.set_target(home)
    limits = [mink.ConfigurationLimit(model)]
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    base = data.body(arm.arm.base_body)
    turn, offset = base.xmat.reshape(3, 3).copy(), ik.down @ arm.tool.offset

    def solve(joints: NDArray, target: NDArray) -> NDArray:
        q = home.copy()
        q[qpos] = joints[0]
        configuration.update(q)
        pose = np.eye(4)
        pose[:3, :3] = turn @ ik.down
        pose[:3, 3] = base.xpos + turn @ (target[0] - offset)
        frame.set_target(mink.SE3.from_matrix(pose))
        for _ in range(steps):
            velocity = mink.solve_ik(
                configuration, [frame, posture], 1.0, solver='daqp', damping=1e-5, limits=limits
            )
            configuration.integrate_inplace(velocity, 1.0)
            if np.abs(frame.compute_error(configuration)[:3]).max() < 1e-4:
                break
        return configuration.q[qpos][None]

    return solve


def measure(solve: Solve, ik: InverseKinematics, periods: int, count: int) -> dict[str, NDArray]:
    """Return errors, metres and rad, and CPU time per state, microseconds."""
    arm = ik.description
    joints, errors, tilts, times = np.tile(ik.home, (count, 1)), [], [], []
    for target in targets(arm, periods, count):
        begin = time.thread_time()
        joints = solve(joints, target)
        times.append(1e6 * (time.thread_time() - begin) / count)
        position, rotation = ik.chain.tool_pose(joints)
        errors.append(np.linalg.norm(position - target, axis=-1))
        cosine = (np.trace(ik.down.T @ rotation, axis1=-2, axis2=-1) - 1) / 2
        tilts.append(np.arccos(np.clip(cosine, -1, 1)))
    return {'error_m': np.array(errors), 'tilt': np.array(tilts), 'us': np.array(times)}


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--periods', type=whole(1), default=2000)
    periods = parser.parse_args().periods
    rows, figures = [], {}
    for arm in all_arms():
        try:
            model = kinematic_model(arm)
        except ArmError as error:
            print(error)
            continue
        ik = InverseKinematics(arm, model)
        contestants: dict[str, tuple[Solve, int]] = {
            'ours': (ik.solve, 1),
            'ours, 16 at once': (ik.solve, 16),
        }
        # mink would move joints that are only measured.
        if importlib.util.find_spec('mink') and not arm.arm.held_joints:
            contestants['mink'] = with_mink(ik, model, 20), 1
            contestants['mink, one step'] = with_mink(ik, model, 1), 1
        for name, (solve, count) in contestants.items():
            found = measure(solve, ik, periods, count)
            error = 1000 * found['error_m']
            values = [
                *np.percentile(error, (50, 99)),
                error.max(),
                np.percentile(found['tilt'], 99),
            ]
            values += [*np.percentile(found['us'], (50, 99))]
            rows.append((f'{arm.name}, {name}', *map(float, values)))
            if name == 'ours':
                figures |= {f'{arm.name}_p99_mm': values[1], f'{arm.name}_p50_us': values[4]}
    columns = ('p50, mm', 'p99, mm', 'max, mm', 'tilt p99, rad', 'p50, µs', 'p99, µs')
    print_table('error and time per state', columns, rows)
    print_figures(**figures)


if __name__ == '__main__':
    main()
