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

"""``her-ros bags convert``: convert recordings of a robot's own topics into training bags."""

from collections.abc import Sequence
from pathlib import Path

from her_ros.bags.export.outputs import (
    conversion_of,
    finished_outputs,
    output_prefixes,
)
from her_ros.bags.sources import expand
from her_ros.config.parameters.robot import RobotBridgeParameters
from her_ros.config.run_parameters import values_for
from her_ros.config.schema import ConfigError, configured
from her_ros.orchestration.bag_conversion import BagConversion, Converted, UnusableRecording
from her_ros.orchestration.progress import bags_tracked
from her_ros.orchestration.recorded_topics import WANTED
from her_ros.runtime.errors import HerRosError
from her_ros.runtime.output import say
from her_ros.tasks.registry import task_named


def convert(
    bags: list[Path],
    task_name: str,
    out: Path,
    topics: Sequence[str],
    params_file: Path | None,
    overrides: Sequence[str],
) -> None:
    """
    Convert bags and print the result of each.

    Episodes written by an interrupted run of the same conversion are kept and not rewritten.

    :raises HerRosError: if a bag cannot be read to its end, holds no joint states or no goals, or
        no episode was found
    """
    names = _names(topics)
    values = values_for(task_name, params_file, overrides, ['robot_bridge'])['robot_bridge']
    parameters = configured(RobotBridgeParameters, 'robot_bridge', values)
    task = task_named(task_name, parameters.arm)
    paths = expand(bags)
    prefixes = output_prefixes(paths, out)
    settings = {'task': task_name, 'topics': names, 'parameters': values}
    conversions = [conversion_of(path, settings) for path in paths]
    kept = [finished_outputs(out, *each) for each in zip(prefixes, conversions, strict=True)]
    total, failures = 0, []
    with bags_tracked(paths, 'converting', passes=2):
        for path, prefix, conversion, there in zip(
            paths, prefixes, conversions, kept, strict=True
        ):
            try:
                bag = BagConversion(path, task, parameters, names)
                found = bag.convert(out, prefix, conversion, there)
            except UnusableRecording as error:
                found = Converted(0, 0, 0, (), (), (), str(error))
            if found.failure:
                failures.append(found.failure)
            if not (found.failure and len(paths) == 1):
                found.print(path)
            total += found.episodes
    if total:
        say(f'{out}: {total} bags, one per episode; her-ros train-offline {out} learns from them')
    if failures and len(paths) == 1:
        raise HerRosError(failures[0])
    if failures:
        raise HerRosError(
            f'{len(failures)} of {len(paths)} recordings were not read to their end',
            'the lines "left out" say why',
        )
    if not total:
        raise HerRosError('no episode came out', 'the lines "left out" say why')


def _names(topics: Sequence[str]) -> dict[str, str]:
    """Read options such as ``object_pose=/perception/block``."""
    names = {}
    for each in topics:
        key, _, name = each.partition('=')
        if key not in WANTED or not name.startswith('/'):
            raise ConfigError(
                f'--topic {each!r} names no topic',
                f'write NAME=/TOPIC with a name of {", ".join(WANTED)}',
            )
        names[key] = name
    return names
