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

"""Checks the links of the built pages: that each leads to a file, and to an anchor in it."""

from html.parser import HTMLParser
from pathlib import Path
import sys
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what a tag refers to, and what it is called."""
        found = {name: value for name, value in attrs if value}
        self.links += [found[name] for name in ('href', 'src') if name in found]
        self.anchors |= {found[name] for name in ('id', 'name') if name in found}


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text('utf-8'))
    return page


def broken_links(folder: Path) -> list[str]:
    """List links inside of a folder of pages that lead nowhere; others are not followed."""
    found = []
    pages = {path: _read(path) for path in sorted(folder.resolve().rglob('*.html'))}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            exists = target.is_file()
            if exists and parts.fragment and target in pages:
                exists = unquote(parts.fragment) in pages[target].anchors
            if not exists:
                found.append(f'{path.relative_to(folder.resolve())}: {link} leads nowhere')
    return found


if __name__ == '__main__':
    broken = broken_links(Path(sys.argv[1]))
    print('\n'.join(broken), file=sys.stderr, end='\n' if broken else '')
    sys.exit(bool(broken))
