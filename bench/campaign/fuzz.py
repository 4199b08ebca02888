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

"""Random damage to messages, files and requests; a seed and a case number repeat it."""

from array import array
import math
from typing import Any

import numpy as np

#: numbers at which sizes, counts, offsets and stamps go wrong
INTEGERS = (0, 1, 2, 3, 7, 127, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)
FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.3,
    1e-320,
    1e3,
    1e300,
    -1e300,
    math.inf,
    -math.inf,
    math.nan,
)
TEXTS = (
    *(
        'model',
        '/dev/zero',
        '',
        'world',
        'base_link',
        'nowhere',
        'torso_lift_joint',
        'elbow_flex_joint',
    ),
    *('../../etc/passwd', 'a\0b', 'a\nb', '\x1b[2J', 'x' * 1000, '/', '漢字', 'v000001_00.mcap'),
)
_FEW = 12


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """
    Overwrite some bytes and words of some bytes, cut them or append to them.

    Damage falls on the first 700 bytes, where sizes stand, as often as on all others.
    """
    changed = bytearray(content)
    for _ in range(random.integers(1, 5)):
        kind = random.integers(8)
        if not changed or kind == 0:
            changed = changed[: random.integers(len(changed) + 1)]
        elif kind == 1:
            changed += random.bytes(random.integers(1, 64))
        else:
            end = len(changed) if kind > 4 else min(len(changed), 700)
            place = int(random.integers(end))
            if kind % 2 and place + 4 <= len(changed):
                place = place // 4 * 4
                end = place + 4
                changed[place:end] = int(random.choice(INTEGERS)).to_bytes(4, 'little')
            else:
                changed[place] = random.integers(256)
    return bytes(changed)


def filled(message: Any, random: np.random.Generator, depth: int = 0) -> Any:
    """Fill the fields of a ROS message with values that are legal for their types alone."""
    for name, kind in message.get_fields_and_field_types().items():
        if random.random() < 0.15:
            continue  # leave the default
        current = getattr(message, name)
        setattr(message, name, _value(current, kind, random, depth))
    return message


def _value(current: Any, kind: str, random: np.random.Generator, depth: int) -> Any:
    if hasattr(current, 'get_fields_and_field_types'):
        return filled(current, random, depth + 1)
    if isinstance(current, bool):
        return bool(random.integers(2))
    if isinstance(current, str):
        return str(random.choice(TEXTS))
    if isinstance(current, float):
        return float(random.choice(FLOATS))
    if isinstance(current, int):
        return _integer(kind, random)
    if isinstance(current, array):
        values = FLOATS if current.typecode in 'fd' else (0, 1, 77, 127)
        picked = random.choice(values, random.integers(_FEW)).tolist()
        return array(current.typecode, picked)
    if kind.startswith('sequence<string'):
        return random.choice(TEXTS, random.integers(_FEW)).tolist()
    if kind.startswith('sequence<boolean'):
        return [bool(each) for each in random.integers(2, size=random.integers(4))]
    if kind.startswith('sequence<octet'):
        return [bytes([each]) for each in random.integers(256, size=random.integers(4))]
    if kind.startswith('sequence<') and '/' in kind and depth < 3:
        return [filled(_message(kind)(), random, depth + 1) for _ in range(random.integers(4))]
    return current


def _integer(kind: str, random: np.random.Generator) -> int:
    signed, bits = not kind.startswith('u') and kind != 'octet', int(kind.lstrip('uint') or 8)
    value = int(random.choice(INTEGERS)) % 2**bits
    return value - 2**bits if signed and value >= 2 ** (bits - 1) else value


def _message(kind: str) -> Any:
    """Return the class of the elements of a sequence of messages."""
    import importlib

    package, _, name = kind.removeprefix('sequence<').rstrip('>').split(',')[0].partition('/')
    return getattr(importlib.import_module(f'{package}.msg'), name)
