import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/*.md', 'bench/*.md', 'models/*/*.md')
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere_and_nothing_is_left_to_fill_in(page):
    text = page.read_text()
    assert not re.findall(r'@[A-Z]+@', text)
    for link in re.findall(r'\]\(([^)#]+)', text):
        assert link.startswith('http') or (page.parent / link).exists(), link
