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

"""Parameters that all nodes of a run share."""

from dataclasses import dataclass

from her_ros.config.schema import parameter

#: description of the parameter ``disturb`` of nodes that simulate
DISTURB = (
    'disturbances of the episodes, such as robot or robot:0.5,push_mps, listed in'
    ' docs/how_to/robust.md; empty: none'
)


@dataclass(frozen=True)
class NodeParameters:
    """Parameters that all nodes of a run share; they may stand in the section ``/**``."""

    task: str = parameter('FetchReach', 'name of the task')
    arm: str = parameter(
        '',
        'name of the arm that does the task, or path of its description; empty: the one of the'
        ' task. Fetch tasks take no other',
    )
    seed: int = parameter(0, 'seed of the run', minimum=0, maximum=2**31 - 1)
    run_dir: str = parameter('', 'folder of the run; empty: keep nothing')
