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

"""Cases of the section ``disk``: one per writer of files."""

from collections.abc import Callable
import contextlib
import io
import json
from pathlib import Path
import signal
import sys
import traceback
from typing import NamedTuple

from campaign.disk_commands import node, prepare_recording
from her_ros.analysis.report import TABLE, write_report
from her_ros.analysis.results import read_table, rows_of, write_table
from her_ros.bags.reader import read_bag
from her_ros.bags.recording import Recording
from her_ros.bags.rollout import RolloutRecorder, run_metadata
from her_ros.bags.writer import write_rollout
from her_ros.cli.main import main
from her_ros.config.files import read_file, to_yaml
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.config.run_parameters import values_for
from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.learning.training.online import Training
from her_ros.learning.training.scalars import ScalarLog
from her_ros.orchestration.prepare import extended, prepare_run
from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import sha256
from her_ros.runtime.process import END_SIGNALS
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import TASKS
from her_ros.wire.cloud import encode_cloud
from her_ros.wire.rows import Rows, step_dtype
import numpy as np

_TASK = TASKS['FetchReach']
_LENGTH, _ENVS = 10, 2
_SMALL = (
    'trainer.hidden_sizes=[8, 8]', 'trainer.batch_size=16', 'trainer.device=cpu',
    'trainer.replay_capacity=1000',
)  # fmt: skip


class Case(NamedTuple):
    """
    Something that writes files.

    :param prepare: makes what has to be there before, in a folder
    :param write: writes; may be repeated after a failure
    """

    name: str
    prepare: Callable[[Path], None]
    write: Callable[[Path], None]
    #: takes seconds, so it is tried with less amounts of space, and not at the small scale
    is_slow: bool = False


class Problem(NamedTuple):
    """Text that a user sees of a failure."""

    text: str
    is_traceback: bool = False


def problem_of(write: Callable[[Path], None], place: Path) -> Problem | None:
    """Return the text that a user sees of a failure; None if there is none."""
    problem, errors = None, io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            write(place)
    except (HerRosError, OSError) as error:
        problem = Problem(str(error))
    except Exception:
        problem = Problem(traceback.format_exc(), is_traceback=True)
    # A thread may print one, too.
    is_traceback = 'Traceback' in errors.getvalue()
    return Problem(errors.getvalue(), is_traceback=True) if is_traceback else problem


def unreadable(path: Path) -> str:
    """Return why a file cannot be read; empty if it can, or nobody reads it."""
    readers: dict[str, Callable[[Path], object]] = {
        'checkpoint': load_checkpoint,
        'policy.onnx': OnnxPolicy.load,
        'params.yaml': read_file,
        'result.json': lambda path: json.loads(path.read_bytes()),
        TABLE: read_table,
        'policy_0': lambda path: int(path.read_text()),
        'demo.mcap': lambda path: [list(each.batches()) for each in Recording(path).files()],
    }
    read = readers.get(path.name, read_bag if path.suffix == '.mcap' else Path.read_bytes)
    try:
        read(path)
    except (HerRosError, OSError, ValueError) as error:
        return str(error)
    # TensorBoard makes its file when it starts.
    may_be_empty = path.suffix in ('.lock', '.log') or 'tfevents' in path.name
    return '' if path.stat().st_size or may_be_empty else 'it is empty'


def _rollout(number: int, version: int = 0) -> list[Rows]:
    """Return messages of two environments that act at random."""
    random = np.random.default_rng(number)
    rows = np.zeros((_LENGTH + 1, _ENVS), step_dtype(_TASK))
    rows['session'], rows['env'] = number, np.arange(_ENVS)
    rows['step'] = np.arange(_LENGTH + 1)[:, None]
    for name in ('observation', 'achieved_goal'):
        rows[name] = random.normal(size=rows[name].shape)
    rows['desired_goal'] = random.normal(size=(_ENVS, _TASK.goal_size))
    rows['action'][1:] = random.uniform(-1, 1, rows['action'][1:].shape)
    rows['reward'][1:] = -1
    rows['policy_version'][1:] = version
    rows['truncated'][-1] = 1
    return list(rows)


def _bags(place: Path) -> None:
    for number in (1, 2):
        write_rollout(place / 'bags', f'b{number}', run_metadata(_TASK), _rollout(number))


def _prepare_bags(place: Path) -> None:
    (place / 'bags').mkdir()
    _bags(place)


def _record(place: Path) -> None:
    recorder = RolloutRecorder(_TASK, place / 'bags', 0, run_metadata(_TASK))
    try:
        for rows in _rollout(3):
            recorder.step('/step', encode_cloud(rows, 1), 1)
    finally:
        recorder.close()


def _training(place: Path, scalars: ScalarLog) -> Training:
    parameters = TrainerParameters(
        device='cpu', hidden_sizes=(8, 8), batch_size=16, replay_capacity=1000, warm_up_steps=0,
        updates_per_step=1.0, evaluation_interval=20, stop_env_steps=20, threads=1,
    )  # fmt: skip
    folder = RunFolder(place / 'run')
    return Training(
        _TASK, parameters, folder, lambda path: read_bag(path, _TASK).episodes, scalars.add
    )


def _prepare_run(place: Path) -> None:
    """Leave a run that waits for nothing but its last evaluation."""
    training = _training(place, ScalarLog(place))
    folder = training.folder
    folder.create()
    _bags(folder.path)
    training._record = lambda name, value, step: None
    training.ingest_new_bags()
    while training.updates_owed:
        training.update(1.0)
    training.begin_evaluation()
    assert training.candidate_policy is not None
    version, content = training.candidate_policy
    bag = folder.evaluation_bag(version, sha256(content))
    write_rollout(bag.parent, bag.stem, run_metadata(_TASK), _rollout(9, version))


def _prepare_finished_run(place: Path) -> None:
    _prepare_run(place)
    _finish(place)
    (place / 'run' / 'params.yaml').write_text(to_yaml(values_for(_TASK.name, None, ())))


def _prepare_nodes(place: Path) -> None:
    _prepare_run(place)
    overrides = [
        *_SMALL, 'trainer.warm_up_steps=0', 'trainer.updates_per_step=1.0',
        'trainer.evaluation_interval=20', 'trainer.stop.env_steps=20', 'trainer.threads=1',
    ]  # fmt: skip
    (place / 'run' / 'params.yaml').write_text(to_yaml(values_for(_TASK.name, None, overrides)))


def _finish(place: Path) -> None:
    with contextlib.closing(ScalarLog(place / 'run' / 'tensorboard')) as scalars:
        training = _training(place, scalars)
        training.resume()
        training.end_evaluation()
        training.finish()


def _checkpoint(place: Path) -> None:
    training = _training(place, ScalarLog(place))
    training.resume()
    training.save()


def _tensorboard(place: Path) -> None:
    with contextlib.closing(ScalarLog(place / 'tensorboard')) as scalars:
        for step in range(2000):
            scalars.add('success', 0.5, step)


def _train(place: Path) -> None:
    """Write the files that ``her-ros train`` writes before it starts nodes."""
    run = prepare_run(_TASK.name, place / 'runs', 'one')
    with run.folder.locked():
        limit = [f'trainer.stop.env_steps={1000 + 1}']
        extended(prepare_run(_TASK.name, place / 'runs', 'one', overrides=limit))


def _start(place: Path) -> None:
    folder = RunFolder(place / 'run')
    with folder.hold('policy'):
        folder.count_start('policy')


def _create_run(place: Path) -> None:
    RunFolder(place / 'run').create()
    _start(place)


def _report(place: Path) -> None:
    result = json.loads((place / 'run' / 'result.json').read_bytes())
    write_table(place / TABLE, rows_of('strategies', 'future', result))
    write_report(place)


def _command(*arguments: object) -> Callable[[Path], None]:
    """Return a function that runs ``her-ros``; PLACE stands for the folder."""

    def write(place: Path) -> None:
        words = [str(each).replace('PLACE', str(place)) for each in arguments]
        before = {number: signal.getsignal(number) for number in END_SIGNALS}
        arguments_before, sys.argv = sys.argv, ['her-ros', *words]
        errors = io.StringIO()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
                main()
        except SystemExit as end:
            if end.code:
                raise HerRosError(errors.getvalue()) from None
        finally:
            sys.argv = arguments_before
            for number, handler in before.items():
                signal.signal(number, handler)

    return write


_OFFLINE = [word for override in _SMALL for word in ('--set', override)]

CASES = (
    Case('recorder', _prepare_bags, _record),
    Case('checkpoint', _prepare_run, _checkpoint),
    Case('policy_and_result', _prepare_run, _finish),
    Case('tensorboard', _prepare_bags, _tensorboard),
    Case('params_and_lock', _prepare_bags, _train),
    Case('starts', _create_run, _start),
    Case('report', _prepare_finished_run, _report),
    Case(
        'card', _prepare_finished_run,
        _command('card', 'PLACE/run', '--out', 'PLACE/card', '--episodes', 2, '--num-envs', 2),
    ),
    Case(
        'train_offline', _prepare_bags,
        _command(
            'train-offline', 'PLACE/bags', '--out', 'PLACE/offline', '--updates', 20, *_OFFLINE
        ),
    ),
    Case(
        'recover', _prepare_bags,
        _command('bags', 'recover', 'PLACE/bags/b1.mcap', '--out', 'PLACE/recovered'),
    ),
    Case(
        'merge', _prepare_bags, _command('bags', 'merge', 'PLACE/bags', '--out', 'PLACE/merged')
    ),
    Case(
        'convert', prepare_recording,
        _command(
            'bags', 'convert', 'PLACE/demo', '--task', _TASK.name, '--out', 'PLACE/converted'
        ),
    ),
    Case('plot', _prepare_nodes, _command('plot', 'PLACE/run'), is_slow=True),
    Case('trainer_node', _prepare_nodes, node('trainer', ends_itself=True), is_slow=True),
    Case('evaluator_node', _prepare_nodes, node('evaluator'), is_slow=True),
    Case('recorder_node', _prepare_nodes, node('recorder'), is_slow=True),
)  # fmt: skip
