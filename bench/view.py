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
The view in the browser: time to its first picture, and what it costs a training beside it.

``her-ros view POLICY`` is started, and its page opened in headless Chromium, until the scene is
on it. Then one ``her-ros train`` runs on, in turn without a view, beside ``her-ros view --live``,
and beside ``her-ros view RUN``; a share of each is compared with those without a view before and
after it. A client takes all that the view sends, as a browser elsewhere would; what the browser
itself needs is not counted. Needs ``pip install 'her_ros[view]' playwright`` and Debian's
chromium.

Run: ``python bench/view.py [--rounds 3] [--seconds 12] [--picture FILE]``

``--picture FILE`` only draws the picture of the README.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import shutil
from statistics import mean, median
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from options import above, Options, whole
from table import print_figures, print_table

ROOT = Path(__file__).parent.parent
POLICY = ROOT / 'models' / 'FetchPush' / 'policy.onnx'
NAMESPACE = 'bench_view'
CHROMIUM = ('--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader')
PATIENCE_MS = 300_000
#: what a training runs beside
WITHOUT, LIVE, RUN = 'no view', 'view --live', 'view RUN'
# By this update they are compiled, and those of the random steps at the start are made.
WARM_UP_UPDATES = 20_000
# By then a view has its page ready and has read the bags, seconds.
OPENING_S = 5.0
# No evaluation and no end.
NEVER = 1_000_000_000
# Episodes of the README's picture, and how much they are disturbed so that some miss.
EPISODES, DISTURBED = 64, 'robot'
# Where the shown episode is, behind the middle.
SHOWN_STEP = 30


def her_ros(*arguments: object, **more: Any) -> 'subprocess.Popen[str]':
    command = [sys.executable, '-m', 'her_ros.cli.main', *map(str, arguments)]
    return subprocess.Popen(command, text=True, **more)


@contextmanager
def view(*arguments: object, **more: Any) -> Iterator[tuple['subprocess.Popen[str]', str]]:
    """Run ``her-ros view``; yield it and its address."""
    process = her_ros('view', *arguments, '--port', 0, stdout=subprocess.PIPE, **more)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which('chromium'), args=[*CHROMIUM]
        )
        yield browser
        browser.close()


def open_page(browser: Any, url: str, width: int, height: int) -> Any:
    page = browser.new_page(viewport={'width': width, 'height': height})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.wait_for_selector('canvas[data-engine]')
    # Two pictures, so that the first of them is there.
    page.evaluate('() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))')
    return page


def first_picture(rounds: int) -> tuple[float, float]:
    """Return seconds until the page is served, and from opening it to its first picture."""
    served, drawn = [], []
    with chromium() as browser:
        for _ in range(rounds):
            begin = time.monotonic()
            with view(POLICY) as (_, url):
                served.append(time.monotonic() - begin)
                begin = time.monotonic()
                page = open_page(browser, f'{url}?fixedDpr=0.5', 800, 600)
                drawn.append(time.monotonic() - begin)
                page.close()
    return median(served), median(drawn)


def take_all(url: str) -> None:
    """Receive the messages of a view until it ends."""
    import viser
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    address = url.replace('http', 'ws')
    with (
        suppress(WebSocketException, OSError),
        connect(address, subprotocols=[f'viser-v{viser.__version__}'], max_size=None) as socket,
    ):
        while True:
            socket.recv()


def usage(pid: int) -> tuple[float, float]:
    """Return CPU seconds and resident megabytes of a process."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return ticks / os.sysconf('SC_CLK_TCK'), pages * os.sysconf('SC_PAGE_SIZE') / 1e6


class Updates:
    """Hears how many updates the trainer has made."""

    def __init__(self, node: Any) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        from her_ros.nodes.qos import STATUS
        from her_ros.wire.topics import DIAGNOSTICS

        self._node = node
        #: when it was heard, seconds, and the number of updates
        self._heard: list[tuple[float, int]] = []
        node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._take, STATUS)

    def _take(self, message: Any) -> None:
        for status in message.status:
            if status.name == f'/{NAMESPACE}/trainer':
                updates = {each.key: each.value for each in status.values}.get('updates', '0')
                self._heard.append((time.monotonic(), int(updates)))

    def wait_for(self, updates: int) -> None:
        """Listen until the trainer has made so many updates."""
        while not self._heard or self._heard[-1][1] < updates:
            self._spin(1.0)

    def rate(self, seconds: float) -> float:
        """Return the updates per second of the time that comes."""
        begin = len(self._heard)
        self._spin(seconds)
        (first_s, first), (last_s, last) = self._heard[begin], self._heard[-1]
        return (last - first) / (last_s - first_s)

    def _spin(self, seconds: float) -> None:
        import rclpy

        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            rclpy.spin_once(self._node, timeout_sec=left)


@contextmanager
def training(folder: Path) -> Iterator[tuple[Path, Updates]]:
    """Train until the end of the block; yield the folder of the run, and its updates."""
    from her_ros.orchestration.command_node import ros_node

    process = her_ros(
        'train', '--task', 'FetchPush', '--runs', folder, '--name', 'run', '--no-report',
        '--namespace', NAMESPACE, '--set', f'trainer.evaluation_interval={NEVER}',
        '--set', f'trainer.stop.env_steps={NEVER}', stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with ros_node('bench_view') as node:
            updates = Updates(node)
            updates.wait_for(WARM_UP_UPDATES)
            yield folder / 'FetchPush' / 'run', updates
    finally:
        process.terminate()
        process.wait()


def beside(kind: str, run: Path, updates: Updates, seconds: float) -> dict[str, float]:
    """Return how a training goes beside a view, and what the view uses."""
    if kind == WITHOUT:
        return {'rate': updates.rate(seconds)}
    given = [run] if kind == RUN else ['--live', '--namespace', NAMESPACE]
    with view(*given) as (process, url):
        client = threading.Thread(target=take_all, args=(url,), daemon=True)
        client.start()
        time.sleep(OPENING_S)
        begin, (opened_s, _) = time.monotonic(), usage(process.pid)
        rate = updates.rate(seconds)
        took_s, (used_s, memory) = time.monotonic() - begin, usage(process.pid)
    client.join()
    cores = (used_s - opened_s) / took_s
    return {'rate': rate, 'cores': cores, 'memory': memory, 'opening': opened_s}


def cost_beside(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Return, by kind, the share of the rate that is lost, and what the view uses."""
    kinds = [WITHOUT, *[LIVE, WITHOUT, RUN, WITHOUT] * rounds]
    with tempfile.TemporaryDirectory() as name, training(Path(name)) as (run, updates):
        found = [beside(kind, run, updates, seconds) for kind in kinds]
    rates = [each['rate'] for each in found]
    results: dict[str, dict[str, float]] = {WITHOUT: {'rate': median(rates[::2])}}
    for kind in (LIVE, RUN):
        places = [i for i, each in enumerate(kinds) if each == kind]
        shares = [rates[i] / mean([rates[i - 1], rates[i + 1]]) for i in places]
        results[kind] = {key: median(found[i][key] for i in places) for key in found[places[0]]}
        results[kind]['cost'] = 1.0 - median(shares)
    return results


def disturbed_bag(folder: Path) -> Path:
    """Write a bag of disturbed evaluation episodes of the shipped policy."""
    from her_ros.bags.rollout import run_metadata
    from her_ros.bags.writer import write_rollout
    from her_ros.config.parameters.nodes import EvaluationProtocol
    from her_ros.policy.onnx_policy import OnnxPolicy
    from her_ros.sim.evaluate import evaluation_steps
    from her_ros.tasks.disturbances import parse_disturbances
    from her_ros.tasks.registry import task_named

    task, policy = task_named('FetchPush'), OnnxPolicy.load(POLICY)
    protocol = EvaluationProtocol(EPISODES, EPISODES)
    disturbances = parse_disturbances(DISTURBED)
    steps = evaluation_steps(task, policy.act, policy.version, protocol, disturbances)
    return write_rollout(folder, 'episodes', run_metadata(task), [*steps])


def draw_picture(path: Path) -> None:
    """Draw the page of recorded episodes, at one that missed its goal."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        bag = disturbed_bag(Path(folder))
        with view(bag.name, cwd=folder) as (_, url):
            page = open_page(browser, url, 1280, 1000)
            page.click('button:has-text("✗") >> nth=0')
            step = page.locator('input:visible').first
            step.fill(str(SHOWN_STEP))
            step.press('Enter')
            page.wait_for_timeout(3000)
            # About the browser of whoever draws, not about the view.
            page.evaluate('() => document.querySelectorAll(".mantine-Notifications-root")'
                          '.forEach(each => each.remove())')  # fmt: skip
            picture = Path(folder) / 'picture.png'
            page.screenshot(path=picture, timeout=PATIENCE_MS)
        Image.open(picture).convert('RGB').resize((960, 750)).save(path, quality=85)


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=3)
    parser.add_argument('--seconds', type=above(1.0), default=12.0)
    parser.add_argument('--picture', type=Path, help='only draw the picture of the README')
    given = parser.parse_args()
    if given.picture is not None:
        draw_picture(given.picture)
        return
    served_s, drawn_s = first_picture(given.rounds)
    results = cost_beside(given.rounds, given.seconds)
    keys = ('rate', 'cost', 'cores', 'opening', 'memory')
    rows = [(kind, *(each.get(key, 0.0) for key in keys)) for kind, each in results.items()]
    print_table(
        'beside',
        ['updates/s', 'lost share', 'cores of the view', 'CPU s to open it', 'memory, MB'],
        rows,
    )
    print_figures(
        view_served_s=served_s,
        view_first_picture_s=drawn_s,
        view_live_cost=results[LIVE]['cost'],
        view_run_cost=results[RUN]['cost'],
        view_memory_mb=max(results[kind]['memory'] for kind in (LIVE, RUN)),
    )


if __name__ == '__main__':
    main()
