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
Check an ONNX file before onnxruntime loads it: only known graphs pass.

onnxruntime is not made for hostile files. An operator of another domain can end the process, and a
loop can run forever. External data is read from the working directory, so a checksum of the file
does not cover it. So this module parses the file itself (the wire format of Protocol Buffers, the
messages of onnx.proto3) and refuses every field, operator and type that
:mod:`her_ros.learning.export` does not write. It needs no library, so a robot needs none either.

The checks bound memory and time, too. Each constant is read once, and constants of two dimensions
only as weights, so acting costs no more than the size of the file.
"""

from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from her_ros.policy.errors import PolicyError

#: bytes of a file; a policy of three layers of 256 has 0.6 MB
MAX_BYTES = 64 << 20
#: fields of all messages in a file; one of ten layers has about 600
_MAX_FIELDS = 10_000
_MAX_TEXT = 1 << 16
_MAX_NODES = 256
_OPERATORS = frozenset(('Clip', 'Concat', 'Div', 'Gemm', 'Identity', 'Relu', 'Sub', 'Tanh'))
_ATTRIBUTES = frozenset(('axis', 'transB'))
_DOMAINS = ('', 'ai.onnx')
_FLOAT, _FLOAT_BYTES = 1, 4
# Names of the types in TensorProto.DataType.
_TYPES = ('undefined', 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string',
          'bool', 'float16', 'float64', 'uint32', 'uint64')  # fmt: skip


class _Field(NamedTuple):
    """An allowed field: its name, and ``int``, ``text``, ``bytes`` or a message."""

    name: str
    kind: str


# By message and field number, as in onnx.proto3. Fields that are not listed are refused.
_SCHEMA = {
    message: {number: _Field(*field.split(':')) for number, field in fields.items()}
    for message, fields in {
        'model': {
            1: 'ir_version:int', 2: 'producer_name:text', 3: 'producer_version:text',
            4: 'domain:text', 5: 'model_version:int', 6: 'doc_string:text', 7: 'graph:graph',
            8: 'opset_import:opset', 14: 'metadata_props:entry',
        },
        'opset': {1: 'domain:text', 2: 'version:int'},
        'entry': {1: 'key:text', 2: 'value:text'},
        'graph': {
            1: 'node:node', 2: 'name:text', 5: 'initializer:tensor', 10: 'doc_string:text',
            11: 'input:value', 12: 'output:value',
        },
        'node': {
            1: 'input:text', 2: 'output:text', 3: 'name:text', 4: 'op_type:text',
            5: 'attribute:attribute', 6: 'doc_string:text', 7: 'domain:text',
        },
        'attribute': {1: 'name:text', 3: 'i:int', 20: 'type:int'},
        'tensor': {1: 'dims:int', 2: 'data_type:int', 8: 'name:text', 9: 'raw_data:bytes'},
        'value': {1: 'name:text', 2: 'type:type'},
        'type': {1: 'tensor_type:tensor_type'},
        'tensor_type': {1: 'elem_type:int', 2: 'shape:shape'},
        'shape': {1: 'dim:dim'},
        'dim': {1: 'dim_value:int', 2: 'dim_param:text'},
    }.items()
}  # fmt: skip
# Names of the most dangerous fields among the refused ones.
_REFUSED = {
    ('model', 20): 'training information',
    ('model', 25): 'functions',
    ('graph', 15): 'sparse constants',
    ('attribute', 6): 'a graph within a node (control flow)',
    ('attribute', 11): 'graphs within a node (control flow)',
    ('tensor', 13): 'external data',
    ('tensor', 14): 'external data',
}

Message = dict[str, list[Any]]


def check_onnx(content: bytes) -> None:
    """
    Refuse a file with any content that our exporter does not write.

    :raises PolicyError: naming the first such content
    """
    if len(content) > MAX_BYTES:
        raise PolicyError(f'{len(content)} bytes', f'a policy has at most {MAX_BYTES}')
    model = _Reader().read(memoryview(content), 'model')
    for opset in model.get('opset_import', []):
        _require_standard(opset, 'an operator set')
    graphs = model.get('graph', [])
    if len(graphs) > 1:
        raise PolicyError('it holds more than one graph')
    for graph in graphs:
        _check_graph(graph)


class _Reader:
    """Reads messages and limits the number of their fields, since each takes memory."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, view: memoryview, message: str) -> Message:
        """Return the values of each field of a message, by name, in order."""
        values: Message = {}
        for number, value in _raw_fields(view):
            self._count += 1
            if self._count > _MAX_FIELDS:
                raise PolicyError(f'it has more than {_MAX_FIELDS} fields')
            field = _SCHEMA[message].get(number)
            if field is None:
                what = _REFUSED.get((message, number), f'field {number} of a {message}')
                raise PolicyError(f'it holds {what}, which no policy of her_ros does')
            values.setdefault(field.name, []).extend(self._values(field, value))
        return values

    def _values(self, field: _Field, value: int | memoryview) -> list[Any]:
        if field.kind == 'int':
            return [value] if isinstance(value, int) else _packed(value)
        if isinstance(value, int):
            raise PolicyError(f'{field.name} is a number')
        if field.kind == 'bytes':
            return [len(value)]
        if field.kind == 'text':
            if len(value) > _MAX_TEXT:
                raise PolicyError(f'{field.name} takes {len(value)} bytes')
            return [bytes(value).decode(errors='replace')]
        return [self.read(value, field.kind)]


def _raw_fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and content of each field of a message."""
    position = 0
    while position < len(view):
        key, position = _varint(view, position)
        number, wire_type = key >> 3, key & 7
        if wire_type not in (0, 2) or not number:
            raise PolicyError(f'not a readable ONNX file (byte {position - 1} of a message)')
        size, position = _varint(view, position)
        if wire_type == 0:
            yield number, size
            continue
        if size > len(view) - position:
            raise PolicyError('not a readable ONNX file (it is cut short)')
        yield number, view[position:][:size]
        position += size


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise PolicyError('not a readable ONNX file (it is cut short)')
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise PolicyError('not a readable ONNX file (a number of more than 10 bytes)')


def _packed(view: memoryview) -> list[int]:
    if len(view) > _MAX_TEXT:
        raise PolicyError(f'a list of numbers takes {len(view)} bytes')
    values, position = [], 0
    while position < len(view):
        value, position = _varint(view, position)
        values.append(value)
    return values


def _last(message: Message, name: str, default: Any) -> Any:
    """Return the last value of a field, the one that counts in Protocol Buffers."""
    return message.get(name, [default])[-1]


def _require_standard(message: Message, what: str) -> None:
    # All values are checked, since a parser may use another one than the last.
    if foreign := [name for name in message.get('domain', []) if name not in _DOMAINS]:
        raise PolicyError(f'{what} is of the domain {foreign[0]!r}', 'only standard ones may act')


def _check_graph(graph: Message) -> None:
    nodes = graph.get('node', [])
    if len(nodes) > _MAX_NODES:
        raise PolicyError(f'its graph has {len(nodes)} operators', f'at most {_MAX_NODES} may act')
    ranks = dict(_rank(tensor) for tensor in graph.get('initializer', []))
    for node in nodes:
        _check_node(node, ranks)
    if sum(_last(node, 'op_type', '') == 'Concat' for node in nodes) > 1:
        raise PolicyError('its graph has more than one Concat')
    uses = Counter(name for node in nodes for name in node.get('input', []) if name in ranks)
    if repeated := [name for name, count in uses.items() if count > 1]:
        raise PolicyError(f'its graph reads the constant {repeated[0]!r} more than once')
    for value in [*graph.get('input', []), *graph.get('output', [])]:
        _check_type(value)


def _check_node(node: Message, ranks: dict[str, int]) -> None:
    """
    Check one operator.

    :param ranks: dimensions of the constants, by name
    """
    for operator in node.get('op_type', ['']):
        if operator not in _OPERATORS:
            allowed = ', '.join(sorted(_OPERATORS))
            raise PolicyError(f'its graph has the operator {operator!r}', f'allowed are {allowed}')
    _require_standard(node, f'its operator {_last(node, "op_type", "")}')
    inputs = node.get('input', [])
    if len(inputs) > 3 or len(node.get('output', [])) != 1:
        raise PolicyError(f'its operator {operator} has {len(inputs)} inputs')
    for attribute in node.get('attribute', []):
        if not set(attribute.get('name', [''])) <= _ATTRIBUTES:
            name = _last(attribute, 'name', '')
            raise PolicyError(f'its operator {operator} has the attribute {name!r}')
    if operator == 'Gemm' and [name in ranks for name in inputs[:2]] != [False, True]:
        raise PolicyError('its operator Gemm must multiply values by a constant')
    for index, name in enumerate(inputs):
        is_weight = operator == 'Gemm' and index == 1
        if ranks.get(name, 0) > (2 if is_weight else 1):
            raise PolicyError(f'its operator {operator} has the input {name!r} of 2 dimensions')


def _rank(tensor: Message) -> tuple[str, int]:
    """Check a constant; return its name and its number of dimensions."""
    name, dims = _last(tensor, 'name', ''), tensor.get('dims', [])
    if set(tensor.get('data_type', [0])) != {_FLOAT}:
        found = _type_name(_last(tensor, 'data_type', 0))
        raise PolicyError(f'its constant {name!r} is of type {found}', 'it must be float32')
    size = sum(tensor.get('raw_data', []))
    if len(dims) > 2 or prod(dims) * _FLOAT_BYTES != size:
        raise PolicyError(f'its constant {name!r} has the shape {dims[:8]} and {size} bytes')
    return name, len(dims)


def _check_type(value: Message) -> None:
    for type_ in value.get('type', []):
        for tensor in type_.get('tensor_type', []):
            if set(tensor.get('elem_type', [0])) != {_FLOAT}:
                found = _type_name(_last(tensor, 'elem_type', 0))
                name = _last(value, 'name', '')
                raise PolicyError(f'its graph has {name!r} of type {found}', 'it must be float32')


def _type_name(number: int) -> str:
    return _TYPES[number] if number < len(_TYPES) else f'number {number}'
