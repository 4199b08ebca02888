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

import io
import shutil

from her_ros.bags.inspection.info import read_info
from her_ros.bags.inspection.verify import Verified, verify
from her_ros.bags.prefetch import EpisodeSource
from her_ros.bags.repair.merge import merge
from her_ros.bags.repair.recover import recover
from her_ros.bags.storage.progress import counted
from her_ros.orchestration import progress as progress_module
from her_ros.orchestration.progress import bags_tracked, duration, Progress, tracked
from her_ros.tasks.registry import task_named
import pytest
from rich.console import Console

REACH = task_named('FetchReach')


def console(is_terminal, width=60):
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=width)


def test_a_bar_with_the_time_left_fits_sixty_columns():
    shown = console(is_terminal=True)
    with Progress('with a pause', 200.0, shown) as progress:
        progress.update(50.0, '▁▂▃▄▅▆▇█ 0.95 and much more than fits')
        (line,) = Console(file=io.StringIO(), width=60).render_lines(
            progress._bar.make_tasks_table(progress._bar.tasks), pad=False
        )
    text = ''.join(segment.text for segment in line)
    assert text.startswith('with a pause ━━━')
    assert ' 25 % ' in text
    assert '▁▂▃▄▅▆▇█ 0.95' in text
    assert len(text.rstrip()) <= 60


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(progress_module, '_LINE_S', 0.0)
    shown = console(is_terminal=False)
    with Progress('reading', 4.0, shown) as progress:
        progress._started -= 30.0
        progress.advance(1.0)
        progress.update(3.0, 'a note')
    first, second = shown.file.getvalue().splitlines()
    assert first == 'reading: 25%, 1:30 left'
    assert second == 'reading: 75%, 0:10 left, a note'


def test_what_was_done_before_does_not_count_for_the_time_that_is_left():
    shown = console(is_terminal=True, width=80)
    progress = Progress('experiment', 4.0, shown, done=2.0)
    progress._started -= 30.0
    assert progress.line() == 'experiment: 50%'  # nothing is known yet
    progress.update(3.0, '3 of 4 runs')
    assert progress.line() == 'experiment: 75%, 0:30 left, 3 of 4 runs'
    with progress:
        progress.update(3.5)
    assert '0:10' in progress._bar.tasks[0].fields['left']


def test_short_work_prints_nothing_where_there_is_no_terminal():
    shown = console(is_terminal=False)
    with Progress('reading', 4.0, shown) as progress:
        progress.advance(4.0)
    assert shown.file.getvalue() == ''


def test_work_that_turns_out_larger_stays_at_its_end():
    progress = Progress('reading', 4.0, console(is_terminal=False))
    progress.advance(9.0)
    assert progress.line().startswith('reading: 100%')


def test_nothing_to_do_is_done():
    shown = console(is_terminal=True)
    with Progress('reading', 0.0, shown) as progress:
        assert progress.line() == 'reading: 100%, 0:00 left'


def test_items_come_through(capsys):
    assert [*tracked(iter('abc'), 'reading', 3)] == ['a', 'b', 'c']
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize(('seconds', 'text'), [(5.4, '0:05'), (65.0, '1:05'), (3725.0, '1:02:05')])
def test_durations(seconds, text):
    assert duration(seconds) == text


def run_all(reading):
    for _ in reading:
        pass


@pytest.mark.parametrize(
    ('what', 'passes'),
    [
        (lambda bag, out: read_info(bag), 1),
        (lambda bag, out: run_all(verify(bag, None, Verified())), 1),
        (lambda bag, out: recover(bag, out), 2),
        (lambda bag, out: merge([bag], out), 2),
        # In another process.
        (lambda bag, out: run_all(EpisodeSource([bag], REACH, 0).in_order()), 1),
    ],
    ids=['info', 'verify', 'recover', 'merge', 'prefetch'],
)
def test_the_bytes_that_are_counted_are_those_of_the_bag(recorded_run, tmp_path, what, passes):
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    read = []
    with counted(read.append):
        what(bag, tmp_path / 'out')
    # Without its index and summary; what is copied is a little larger or smaller.
    assert sum(read) == pytest.approx(passes * bag.stat().st_size, rel=0.15)


def test_only_large_bags_are_tracked(recorded_run, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        progress_module, 'Progress', lambda *given: made.append(given) or Progress(*given)
    )
    (bag,) = (recorded_run / 'bags').glob('*.mcap')
    folder = tmp_path / 'directory'
    folder.mkdir()
    shutil.copy(bag, folder)
    with bags_tracked([bag, folder], 'reading'):
        read_info(bag)
    assert not made
    with bags_tracked([bag], 'exporting', is_slow=True):
        pass
    assert made.pop() == ('exporting', bag.stat().st_size)
    monkeypatch.setattr(progress_module, '_LARGE', 1000)
    with bags_tracked([bag, folder], 'reading', passes=2):
        read_info(bag)
    assert made == [('reading', 4 * bag.stat().st_size)]
