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

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

from her_ros.config.parameters.nodes import EvaluationProtocol
from her_ros.config.schema import parameters_of
from her_ros.orchestration.graph import ACCEPT_ARM_HELP, ARM_HELP
from her_ros.tasks.registry import TASKS
import typer

#: help text of the option for the task
LEARNABLE = f'Task to learn: {", ".join(TASKS)}, or gym:<id> of Gymnasium-Robotics.'

#: help of an arm
Arm = Annotated[str, typer.Option(help=ARM_HELP)]
AcceptArm = Annotated[bool, typer.Option('--accept-arm', help=ACCEPT_ARM_HELP)]
Seed = Annotated[int | None, typer.Option(help='Seed of the run.')]
Params = Annotated[
    Path | None,
    typer.Option(help='ROS parameter file; default: that of the run, or that of the task.'),
]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        '--from',
        help='Policy file or run folder to start from: weights and normalisers, of a run also'
        ' the critics; default: random weights.',
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None, typer.Option('--set', help='Override, such as trainer.batch_size=128.')
]


def _protocol(name: str) -> Any:
    """Return the option of a parameter of the evaluation protocol."""
    known = parameters_of(EvaluationProtocol)[name]
    return typer.Option(
        min=known.minimum, max=known.maximum, help=f'{known.description.capitalize()}.'
    )


Episodes = Annotated[int, _protocol('episodes')]
NumEnvs = Annotated[int, _protocol('num_envs')]
Disturb = Annotated[
    str,
    typer.Option(
        help='Measure also with disturbances, each alone at three strengths and all together;'
        ' such as robot or robot:0.5,push_mps.'
    ),
]
Threads = Annotated[int, _protocol('threads')]
Report = Annotated[
    bool, typer.Option(help='Write report.html about the run at its end; takes some seconds.')
]
DiscoveryServer = Annotated[
    str,
    typer.Option(
        help='Address of a discovery server of Fast DDS, HOST or HOST:PORT, for networks without'
        ' multicast; train starts it if the address is of this machine.'
    ),
]
