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

"""Read experiments from a user's file."""

from collections.abc import Mapping
from pathlib import Path
import re
from typing import Any

from her_ros.analysis.experiments import Experiment, EXPERIMENTS, Variant
from her_ros.config.schema import ConfigError
from her_ros.config.yaml_file import read_yaml

#: copy of the file in the folder of its experiment
EXPERIMENT_FILE = 'experiment.yaml'
_SUFFIXES = ('.yaml', '.yml')
_KEYS = ('name', 'question', 'variants')
# A part of run and topic names.
_NAME = re.compile(r'[A-Za-z]\w*', re.ASCII)


def is_experiment_file(name: str) -> bool:
    """Tell whether the name of an experiment is that of a file."""
    return name.endswith(_SUFFIXES)


def read_experiment(path: Path) -> Experiment:
    """
    Read an experiment: its name, its question, and at least two variants.

    A variant is a name and its list of overrides, such as ``trainer.batch_size=64``. The first
    one is what the others are measured against.

    :raises ConfigError: if the file cannot be read, or something in it is not right
    """
    content = read_yaml(path, 'the example in docs/how_to/experiments.md')
    if not isinstance(content, Mapping) or {*content} != {*_KEYS}:
        raise ConfigError(
            'not the keys of an experiment', f'give {", ".join(_KEYS)} and nothing else', path
        )
    name = _named(path, 'name', content['name'])
    if name in {each.name for each in EXPERIMENTS}:
        raise ConfigError(
            f'name {name!r} is that of an experiment of her_ros', 'change it', source=path
        )
    if not isinstance(content['question'], str):
        raise ConfigError(f'question is {content["question"]!r}', 'it must be text', source=path)
    variants = content['variants']
    if not isinstance(variants, Mapping) or len(variants) < 2:
        raise ConfigError('fewer than two variants', 'name two at least below variants', path)
    chosen = tuple(_variant(path, key, overrides) for key, overrides in variants.items())
    return Experiment(name, content['question'], chosen)


def _named(path: Path, what: str, name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f'{what} {name!r}',
            'use letters, digits and _, beginning with a letter, and quote words such as "on"',
            path,
        )
    return name


def _variant(path: Path, name: Any, overrides: Any) -> Variant:
    name = _named(path, 'variant', name)
    # A variant that changes nothing is an empty list.
    if not isinstance(overrides, list) or not all(isinstance(each, str) for each in overrides):
        raise ConfigError(
            f'variant {name} is {overrides!r}',
            'give a list such as [trainer.batch_size=64]',
            path,
        )
    return Variant(name, tuple(overrides))
