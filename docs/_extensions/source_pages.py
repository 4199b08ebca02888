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
Pages that Sphinx makes of files outside of ``docs/``, and one page of the API per folder.

A link in the source of a page leads to a file of the repository, so that it works there too.
Here it is turned into a link between pages.
"""

from collections.abc import Iterator
import os
from pathlib import Path
import pkgutil
import re
from typing import Any

#: files of the repository that become pages, and the names of these pages in ``docs/``
COPIES = {
    'ARCHITECTURE.md': 'generated/architecture.md',
    'CONTRIBUTING.md': 'generated/contributing.md',
    'CHANGELOG.rst': 'generated/changelog.rst',
    'README.md': 'index.md',
    'bench/README.md': 'generated/benchmarks.md',
}
_CARDS = 'models/*/README.md'
_LINK = re.compile(r'(\]\()([^)#\s]+)((?:#[^)\s]*)?\))')


def copies(root: Path) -> dict[Path, Path]:
    """Map files of the repository to their pages; both as absolute paths."""
    named = {root / source: root / 'docs' / page for source, page in COPIES.items()}
    for card in sorted(root.glob(_CARDS)):
        named[card] = root / 'docs' / 'generated' / f'model_{card.parent.name}.md'
    return named


def relinked(text: str, source: Path, page: Path, root: Path) -> str:
    """
    Return text whose links lead from one page to another.

    :param source: file that the text stands in, and that its links start from
    :param page: page that the text becomes
    :raises ValueError: if a link leads to a file that is no page
    """
    pages = copies(root)

    def link(found: re.Match[str]) -> str:
        before, target, after = found.groups()
        if '://' in target or target.startswith('mailto:'):
            return found[0]
        path = Path(os.path.normpath(source.parent / target))
        path = pages.get(path, path)
        if not path.is_relative_to(root / 'docs'):
            raise ValueError(f'{source}: {target} is no page; name the file without a link')
        return before + os.path.relpath(path, page.parent) + after

    return _LINK.sub(link, text)


def api_pages(package: str, root: Path) -> Iterator[tuple[str, str]]:
    """
    Describe all modules, a page for each folder of the package.

    :return: names of pages and their text
    """
    folders: dict[str, list[str]] = {}
    for module in pkgutil.walk_packages([str(root / package)], f'{package}.'):
        if not module.ispkg:
            folders.setdefault(module.name.rpartition('.')[0], []).append(module.name)
    for folder, modules in sorted(folders.items()):
        lines = [folder, '=' * len(folder), '', f'.. automodule:: {folder}', '   :no-members:', '']
        for module in sorted(modules):
            lines += [module, '-' * len(module), '', f'.. automodule:: {module}', '']
        yield f'{folder}.rst', '\n'.join(lines)


def _generate(app: Any) -> None:
    """Write the pages whose text has changed, and remove those that are left of other files."""
    root, folder = Path(app.config.her_ros_root), Path(app.srcdir)
    pages = {
        folder / 'generated' / 'api' / name: text for name, text in api_pages('her_ros', root)
    }
    for source, page in copies(root).items():
        target = folder / page.relative_to(root / 'docs')
        if target.parent != folder:
            text = source.read_text('utf-8')
            pages[target] = relinked(text, source, page, root) if page.suffix == '.md' else text
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text('utf-8') != text:
            path.write_text(text, 'utf-8')
    for path in folder.glob('generated/**/*.*'):
        if path not in pages:
            path.unlink()


def _relink(app: Any, name: str, content: list[str]) -> None:
    root = Path(app.config.her_ros_root)
    page = root / 'docs' / f'{name}.md'
    if not name.startswith('generated/') and page.exists():
        content[0] = relinked(content[0], page, page, root)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value('her_ros_root', '', 'env')
    app.connect('builder-inited', _generate)
    app.connect('source-read', _relink)
    return {'parallel_read_safe': True}
