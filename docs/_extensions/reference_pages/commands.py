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

"""The commands of ``her-ros`` and the arguments of the launch files, as Markdown."""

import ast
from collections.abc import Iterator
import inspect
from pathlib import Path
import re
from typing import Any

import her_ros
from her_ros.cli.main import app
from typer.main import get_command

_ROOT = Path(her_ros.__file__).parent.parent
_LAUNCH_MODULE = 'her_ros.orchestration.launch_actions'
_LAUNCH = _ROOT.joinpath(*_LAUNCH_MODULE.split('.')).with_suffix('.py')


def all_commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """List every command with its words, such as ``bags info``, without the groups."""
    command = command or get_command(app)
    if not hasattr(command, 'commands'):
        yield ' '.join(words), command
        return
    for name, own in command.commands.items():
        yield from all_commands(own, (*words, name))


def command_line() -> str:
    """Describe each command: what it does, its arguments and options, examples."""
    return '\n'.join(_command(words, command) for words, command in all_commands())


def _command(words: str, command: Any) -> str:
    context = command.context_class(command, info_name=f'her-ros {words}')
    usage = ' '.join(
        [
            f'her-ros {words}',
            *(word for each in command.params for word in each.get_usage_pieces(context)),
        ]
    )
    lines = [f'## her-ros {words}', '', '```text', f'{usage} [OPTIONS]', '```', '']
    lines += [_escaped(inspect.cleandoc(command.help or '')), '']
    for each in sorted(command.params, key=lambda each: each.param_type_name):
        name, meaning = each.get_help_record(context)
        lines += [f'`{name}`', f': {_escaped(meaning)}', '']
    examples = [line.strip() for line in (command.epilog or '').splitlines()]
    examples = [line for line in examples if line.startswith('her-ros')]
    return '\n'.join([*lines, '```text', *examples, '```', ''])


def _escaped(text: str) -> str:
    """Return text that Markdown does not take for HTML, and options whose dashes stay two."""
    return re.sub(r'(?<![`\w-])(--[a-z][a-z-]*)', r'`\1`', text).replace('<', '&lt;')


def launch_files() -> str:
    """Describe the arguments of each launch file."""
    return '\n'.join(_launch_file(path) for path in sorted(_ROOT.glob('launch/*.launch.py')))


def _launch_file(path: Path) -> str:
    tree = ast.parse(path.read_text('utf-8'))
    lines = [f'### {path.name}', '', (ast.get_docstring(tree) or ''), '']
    for name, default, description in launch_arguments(tree):
        end = f' Default: `{default}`.' if default else ''
        lines += [f'`{name}`', f': {_escaped(description)}{end}', '']
    return '\n'.join(lines)


def launch_arguments(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """List name, default and description of what a launch file takes, without ROS's launch."""
    shared = ast.parse(_LAUNCH.read_text('utf-8'))
    names: dict[str, Any] = {'Any': Any, 'argument': lambda *given: given[:3]}
    helpers = [
        each for each in shared.body if _calls(each, 'argument') and each.name != 'argument'
    ]
    imports = [each for each in (*shared.body, *tree.body) if _is_plain_import(each)]
    exec(compile(ast.Module([*imports, *helpers], []), '<launch files>', 'exec'), names)
    known = {'argument', *(each.name for each in helpers)}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') in known:
            yield eval(compile(ast.Expression(call), '<launch file>', 'eval'), names)


def _calls(node: ast.stmt, name: str) -> bool:
    parts = ast.walk(node) if isinstance(node, ast.FunctionDef) else ()
    return any(isinstance(part, ast.Name) and part.id == name for part in parts)


def _is_plain_import(node: ast.stmt) -> bool:
    module = getattr(node, 'module', None) or ''
    return module.startswith('her_ros.') and module != _LAUNCH_MODULE
