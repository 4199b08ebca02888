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
Every file that is written, with the disk full and with the folder read-only.

Each case prepares a folder on a small tmpfs, then writes with so much space left, then once more
with space. The first attempt has to end with one line that names a file, or to succeed; nothing
recorded may be lost or half written; the second attempt has to succeed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
import os
from pathlib import Path
import subprocess
import sys

from campaign.disk_cases import Case, CASES, Problem, problem_of, unreadable
from campaign.figures import Fault, Figure, Scale

_SIZE_MB = 32
_PAGE = 4096
# Pages left on the full disk.
_PAGES = {
    Scale.SMALL: (0, 3),
    Scale.SHORT: (0, 1, 2, 4, 8, 16, 32),
    Scale.LONG: (*range(20), *range(20, 100, 5), *range(100, 400, 25)),
}
# For what takes seconds.
_FEW_PAGES: dict[Scale, tuple[int, ...]] = {
    Scale.SMALL: (), Scale.SHORT: (0, 4), Scale.LONG: (0, 1, 2, 4, 8, 16, 32, 64)
}  # fmt: skip
_IGNORED = ('filler', 'lock')


def run(scale: Scale, folder: Path) -> list[Figure]:
    """Return how many attempts there were, and what went wrong."""
    folder.mkdir(exist_ok=True)
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    try:
        with _tmpfs(folder / 'mount') as place:
            cases = [case for case in CASES if not (case.is_slow and scale is Scale.SMALL)]
            for case in cases:
                for pages in (*(_FEW_PAGES if case.is_slow else _PAGES)[scale], None):
                    condition = 'read-only' if pages is None else f'{pages} pages left'
                    attempt = place / f'{case.name}_{pages}'
                    for fault in _attempt(case, pages, attempt, outcomes):
                        kinds[fault.kind] += 1
                        print(f'disk: {case.name}, {condition}: {fault}', file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f'disk: skipped, no tmpfs may be mounted ({error.stderr.decode().strip()})')
        return [Figure('disk_skipped', 1)]
    return [
        Figure('disk_files', len(cases)),
        Figure('disk_attempts', outcomes.total()),
        Figure('disk_refused', outcomes['refused']),
        Figure('disk_tracebacks', kinds['traceback'], 0),
        Figure('disk_unclear_lines', kinds['unclear'], 0),
        Figure('disk_lost_or_damaged', kinds['lost'] + kinds['damaged'], 0),
        Figure('disk_leftovers', kinds['leftover'], 0),
        Figure('disk_not_repeatable', kinds['again'], 0),
    ]


def _attempt(
    case: Case, pages: int | None, place: Path, outcomes: Counter[str]
) -> Iterator[Fault]:
    """Run one case under one condition; yield what is wrong."""
    place.mkdir()
    case.prepare(place)
    before = _content(place)
    with _read_only(place.parent) if pages is None else _full(place.parent, pages):
        problem = problem_of(case.write, place)
        outcomes['refused' if problem else 'written'] += 1
        yield from _evaluated(problem, place)
        yield from _lost(before, place)
    if problem and (problem := problem_of(case.write, place)):
        yield Fault('again', problem.text)
    yield from _lost(before, place)
    subprocess.run(['rm', '-rf', place], check=True)


def _evaluated(problem: Problem | None, place: Path) -> Iterator[Fault]:
    if problem is None:
        return
    if problem.is_traceback:
        yield Fault('traceback', problem.text)
    elif '\n' in problem.text.strip() or str(place) not in problem.text:
        yield Fault('unclear', problem.text)


def _content(place: Path) -> dict[Path, str]:
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob('*')
        if path.is_file() and path.name not in _IGNORED and path.suffix != '.lock'
    }


def _lost(before: dict[Path, str], place: Path) -> Iterator[Fault]:
    """Compare with what was there: bags stay as they are, all else is old or new, and whole."""
    after = _content(place)
    for path, digest in before.items():
        if path not in after or (path.suffix == '.mcap' and after[path] != digest):
            yield Fault('lost', str(path))
    for path in after:
        if path.name.startswith('.'):
            yield Fault('leftover', str(path))
        elif reason := unreadable(path):
            yield Fault('damaged', f'{path} ({reason})')


@contextmanager
def _tmpfs(place: Path) -> Iterator[Path]:
    place.mkdir()
    _mount('-t', 'tmpfs', '-o', f'size={_SIZE_MB}m', 'tmpfs', place)
    try:
        yield place
    finally:
        subprocess.run(['umount', place], check=True)


@contextmanager
def _read_only(mounted: Path) -> Iterator[None]:
    _mount('-o', 'remount,ro', mounted)
    try:
        yield
    finally:
        _mount('-o', 'remount,rw', mounted)


@contextmanager
def _full(mounted: Path, pages: int) -> Iterator[None]:
    filler = mounted / 'filler'
    left = os.statvfs(mounted)
    with filler.open('wb') as file:
        os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize - pages * _PAGE)
    try:
        yield
    finally:
        filler.unlink()


def _mount(*arguments: object) -> None:
    subprocess.run(['mount', *map(str, arguments)], check=True, capture_output=True)
