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

"""``her-ros evaluate``."""

from pathlib import Path
from typing import Annotated

from her_ros.cli.app import app
from her_ros.cli.examples import examples
from her_ros.cli.options import AcceptArm, Arm, Disturb, Episodes, NumEnvs, Threads
from her_ros.config.parameters.nodes import EvaluationProtocol
import typer


@app.command(
    short_help='Measure a policy in simulation.',
    epilog=examples(
        'her-ros evaluate models/FetchPush/policy.onnx',
        'her-ros evaluate policy.onnx --disturb robot',
        'her-ros evaluate policy.onnx --video episodes.mp4',
        'her-ros evaluate policy.onnx --task Push --accept-arm',
    ),
)
def evaluate(
    model: Annotated[Path, typer.Argument(help='An ONNX policy.')],
    episodes: Episodes = EvaluationProtocol.episodes,
    num_envs: NumEnvs = EvaluationProtocol.num_envs,
    threads: Threads = EvaluationProtocol.threads,
    disturb: Disturb = '',
    task: Annotated[str, typer.Option(help='Task to do; default: that of the policy.')] = '',
    arm: Arm = '',
    accept_arm: AcceptArm = False,
    video: Annotated[
        Path | None, typer.Option(help='Film the first episodes: a .mp4, .webp or .gif file.')
    ] = None,
    video_episodes: Annotated[
        int, typer.Option(min=1, max=64, help='Episodes that the video shows beside each other.')
    ] = 9,
) -> None:
    """
    Measure the success rate of a policy in simulation, in this process and without ROS.

    The start states are fixed, the same as in evaluations of training, and never trained on.
    A video needs no display; MP4 needs `pip install her_ros[video]`.
    """
    from her_ros.analysis.evaluate import evaluate as run
    from her_ros.analysis.evaluate import OnTask

    protocol = EvaluationProtocol(episodes, num_envs, threads)
    run(model, protocol, video, video_episodes, OnTask(task, arm, accept_arm), disturb)
