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
Compile the update with torch.compile in another process while the learner goes on.

Compiling takes tens of seconds. So a separate process compiles the same function into torch's
cache on disk. It starts with the run if the run is known to be long, otherwise once the run has
lasted long enough to gain from it. The learner then loads the result within a few seconds, while
data collection continues. A function that an earlier run compiled is loaded at once.
"""

import dataclasses
import hashlib
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any

from her_ros import __version__
from her_ros.config.parameters.learner import LearnerParameters
from her_ros.config.parameters.nodes import TrainerParameters
from her_ros.episodes.episode import Episode
from her_ros.learning.learner import Learner, LearnerError, set_up_torch
from her_ros.learning.torch_private import compile_cache
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.files import write_whole
from her_ros.runtime.process import die_with_parent
from her_ros.tasks.registry import task_named
from her_ros.wire.rows import step_dtype
import numpy as np
import torch


class CompileAhead:
    """Fills the cache in the background, then switches the learner over."""

    def __init__(self, learner: Learner, parameters: TrainerParameters) -> None:
        self._learner = learner
        self._parameters = parameters
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        wanted = parameters.compile_after > 0 and learner.device.type == 'cpu'
        self._finished = learner.compiled or not wanted

    def poll(self) -> str:
        """
        Start compiling, or switch to compiled updates, when it is time.

        :return: message for the user, at the beginning and the end; otherwise empty
        """
        if self._finished or not self._is_due:
            return ''
        if self._process is None and not _mark_of(self._parameters).exists():
            self._process = self._start()
            return 'compiling the updates in the background; learning goes on'
        if self._process is not None and self._process.poll() is None:
            return ''
        self._finished = True
        if self._process is not None and self._process.returncode:
            self._errors.seek(0)
            words = self._errors.read().decode(errors='replace').strip().splitlines()
            return f'updates stay uncompiled: {words[-1] if words else "no reason was given"}'
        return compile_or_say_why(self._learner)

    @property
    def _is_due(self) -> bool:
        # Compiled updates are tried out, which needs episodes to sample from.
        is_late = self._learner.updates + 1 >= self._parameters.compile_after
        return is_late and len(self._learner.replay) > 0

    def _start(self) -> 'subprocess.Popen[bytes]':
        parameters = json.dumps(dataclasses.asdict(self._parameters))
        return subprocess.Popen(
            [
                sys.executable,
                '-P',
                '-m',
                'her_ros.learning.acceleration.compile',
                parameters,
                str(os.getpid()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )

    def close(self) -> None:
        """Stop a compilation that is not finished."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def compile_or_say_why(learner: Learner) -> str:
    """Compile the updates of a learner; return a message for the user."""
    try:
        learner.compile()
    except LearnerError as error:
        return f'updates stay uncompiled: {error}'
    return 'updates are compiled now'


def _mark_of(parameters: LearnerParameters) -> Path:
    """Return the file that marks updates of these parameters as present in torch's cache."""
    # Seed and run folder do not affect compilation.
    values = {
        field.name: getattr(parameters, field.name)
        for field in dataclasses.fields(LearnerParameters)
        if field.name not in ('seed', 'run_dir')
    }
    text = json.dumps([__version__, torch.__version__, values])
    return compile_cache() / f'her_ros_{hashlib.sha256(text.encode()).hexdigest()[:16]}'


def main() -> None:
    """Compile for the parameters of the first argument, JSON; the second names the parent."""
    die_with_parent(int(sys.argv[2]))
    os.nice(10)  # simulation and learner come first
    values: dict[str, Any] = json.loads(sys.argv[1])
    values['hidden_sizes'] = tuple(values['hidden_sizes'])
    parameters = TrainerParameters(**values)
    task = task_named(parameters.task)
    set_up_torch(parameters.threads)
    learner = Learner(task, parameters)
    rows = np.zeros(2, step_dtype(task))
    learner.restore([Episode(rows)])
    try:
        learner.compile()
        write_whole(_mark_of(parameters), b'')
    except HerRosError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
