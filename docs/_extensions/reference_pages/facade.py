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

"""The names that ``import her_ros`` offers, as Markdown."""

import inspect

import her_ros


def facade() -> str:
    """Describe every public name of the package in the order of ``__all__``."""
    lines = ['```{eval-rst}', '.. automodule:: her_ros', '   :no-members:', '   :no-index:', '']
    for name in her_ros.__all__:
        value = getattr(her_ros, name)
        if inspect.isclass(value):
            lines += [f'.. autoclass:: her_ros.{name}', '   :no-index:', '']
        elif inspect.isroutine(value):
            lines += [f'.. autofunction:: her_ros.{name}', '   :no-index:', '']
    return '\n'.join([*lines, '```'])
