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

"""``her-ros card``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import Arm, Disturb, Episodes, NumEnvs, Threads
from her_ros.config.parameters.nodes import EvaluationProtocol
import typer


@app.command(
    short_help='Write a policy and its model card.',
    epilog=examples('her-ros card runs/FetchPush/run_001 --out my_model'),
)
def card(
    run: Annotated[Path, typer.Argument(help='Folder of a finished run.')],
    out: Annotated[Path, typer.Option(help='Folder for policy and card.')],
    episodes: Episodes = 1000,
    num_envs: NumEnvs = EvaluationProtocol.num_envs,
    threads: Threads = EvaluationProtocol.threads,
    video: Annotated[
        bool, typer.Option('--video', help='Show some episodes in motion, in policy.webp.')
    ] = False,
    disturb: Disturb = '',
    arm: Arm = '',
) -> None:
    """Write a run's best policy and its model card into a folder."""
    from her_ros.analysis.card import card as write

    write(run, out, EvaluationProtocol(episodes, num_envs, threads), video, disturb, arm)
