import re
from pathlib import Path

import pytest

from her_ros.config.files import read_file
from her_ros.config.run_parameters import params_for
from her_ros.orchestration.prepare import training_names

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


BLOCKS = [
    pytest.param(block, id=f'{page.relative_to(ROOT)}-{number}')
    for page in PAGES
    for number, block in enumerate(re.findall(r'```yaml\n(.*?)```', page.read_text(), re.S))
]


def test_there_are_parameter_files_in_the_docs():
    names = {param.id.partition('-')[0] for param in BLOCKS}
    assert names >= {'docs/robot.md', 'docs/agents.md', 'models/FetchPush/README.md'}


@pytest.mark.parametrize('block', BLOCKS)
def test_a_parameter_file_of_the_docs_is_one_that_commands_take(tmp_path, block):
    path = tmp_path / 'params.yaml'
    path.write_text(block)
    tasks = {values['task'] for values in read_file(path).values() if 'task' in values}
    (task,) = tasks
    nodes = [] if 'robot_bridge' in block else training_names()
    assert params_for(task, path, nodes) == path
