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

"""``her-ros worker``."""

from pathlib import Path
import sys
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import DiscoveryServer
import typer


@app.command(
    short_help='Simulate for a run, also from another machine.',
    epilog=examples(
        'her-ros worker --join /shared/runs/FetchPush/run_001',
        'her-ros worker --join run_001 --threads 8',
        'her-ros worker --join run --discovery-server 10.0.0.1',
    ),
)
def worker(
    join: Annotated[
        Path,
        typer.Option(help='Folder of the run, or a folder with a copy of its join.json.'),
    ],
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="Threads of the physics; default: the run's.")
    ] = None,
    discovery_server: DiscoveryServer = '',
) -> None:
    """
    Simulate for a run that `her-ros train` started, until it has finished or Ctrl-C.

    Starts a simulation, a policy and a recorder as members of the run, with a free number of
    their own. Without the run folder, the recorder is one of train --recorders beside the trainer.
    """
    from her_ros.orchestration.worker import Options, work

    sys.exit(work(Options(join, threads, discovery_server)))
