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
Description of an arm: its model, joints, tool, gripper, workspace and driver.

One file in YAML describes an arm, see ``config/arms``. Every section is a class, of this module,
of :mod:`her_ros.arms.mechanics` or of :mod:`her_ros.arms.driver`. Lengths are in metres and angles
in radians. Positions and directions are in the axes of the *base*: the frame of the model's body
``arm.base_body``, x forward, y to the left, z up. A world frame, in which tasks may place the
base, is no part of the description.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, MISSING
from pathlib import Path
from typing import Any, get_type_hints

from her_ros.arms.driver import Driver
from her_ros.arms.mechanics import ArmJoints, Gripper, LARGEST_M, ModelFiles, Tool
from her_ros.config.schema import ConfigError, configured, parameter


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """
    A box above a table, both relative to the base.

    The tool may be anywhere in the box. Tasks draw goals and objects around the middle of its
    horizontal extent (for the tasks of the package up to 0.15 m from it), and up to 0.45 m above
    the table.
    """

    low: tuple[float, ...] = parameter(
        MISSING,
        'lower corner of the box that the tool stays in: x, y, z, metres, axes of the base',
        minimum=-LARGEST_M,
        maximum=LARGEST_M,
        length=3,
    )
    high: tuple[float, ...] = parameter(
        MISSING,
        'upper corner of that box',
        minimum=-LARGEST_M,
        maximum=LARGEST_M,
        length=3,
    )
    table_height: float = parameter(
        MISSING,
        'height of the table top above the base, metres; negative: below it',
        minimum=-LARGEST_M,
        maximum=LARGEST_M,
    )

    def __post_init__(self) -> None:
        for axis, low, high in zip('xyz', self.low, self.high, strict=True):
            if low >= high:
                raise ConfigError(
                    f'low {axis} is {low:g}, high {axis} is {high:g}', 'low must be less'
                )
        if self.low[2] < self.table_height:
            raise ConfigError(
                f'low z is {self.low[2]:g}, table_height is {self.table_height:g}',
                'the tool must stay above the table',
            )

    @property
    def centre(self) -> tuple[float, float]:
        """Horizontal middle of the box: x, y, metres, axes of the base."""
        (low_x, low_y, _), (high_x, high_y, _) = self.low, self.high
        return (low_x + high_x) / 2, (low_y + high_y) / 2


@dataclass(frozen=True, kw_only=True)
class ArmDescription:
    """
    Description of an arm.

    :param name: as commands, contracts and bags call the arm
    :param folder: what relative paths of models are relative to
    """

    name: str
    folder: Path
    model: ModelFiles
    arm: ArmJoints
    tool: Tool
    gripper: Gripper
    workspace: Workspace
    driver: Driver
    #: text of the model, URDF, where a robot publishes it
    urdf: str = ''

    @property
    def tool_frame(self) -> str:
        """Frame in tf2 that the tool is fixed to."""
        return self.driver.tool_frame or self.tool.frame


def description_of(name: str, folder: Path, document: Any) -> ArmDescription:
    """
    Make a checked description.

    :param document: the sections, as nested dictionaries
    :raises ConfigError: if a section, a key or a value is missing, unknown or not right
    """
    hints = get_type_hints(ArmDescription)
    sections = {each.name: hints[each.name] for each in fields(ArmDescription)}
    del sections['name'], sections['folder'], sections['urdf']
    if not isinstance(document, Mapping):
        raise ConfigError('no sections', f'an arm has the sections {", ".join(sections)}')
    if unknown := sorted(set(map(str, document)) - set(sections)):
        raise ConfigError(
            f'unknown sections {unknown}', f'an arm has the sections {", ".join(sections)}'
        )
    made: dict[str, Any] = {}
    for section, kind in sections.items():
        values = document.get(section, {})
        if not isinstance(values, Mapping):
            raise ConfigError(
                f'is {values!r}, not keys with values', 'write NAME: VALUE lines below it', section
            )
        made[section] = configured(kind, section, values)
    return ArmDescription(name=name, folder=folder, **made)
