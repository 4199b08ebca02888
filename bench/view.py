"""The view in the browser: time to its first picture, and what it costs a training beside it.

``her-ros view POLICY`` is started, and its page opened in headless Chromium, until the scene is
on it. Then ``her-ros train`` runs several times, in turn without a view, beside ``her-ros view
--live``, and beside ``her-ros view RUN``. A client takes all that the view sends, as a browser
elsewhere would; what the browser itself needs is not counted. Needs ``pip install 'her_ros[view]'
playwright`` and Debian's chromium.

Run: ``python bench/view.py [--rounds 3] [--env-steps 12000] [--picture FILE]``

``--picture FILE`` only draws the picture of the README.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from options import Options, whole
from table import print_figures, print_table

ROOT = Path(__file__).parent.parent
POLICY = ROOT / 'models' / 'FetchPush' / 'policy.onnx'
NAMESPACE = 'bench_view'
CHROMIUM = ('--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader')
PATIENCE_MS = 300_000
#: what a training runs beside
WITHOUT, LIVE, RUN = 'no view', 'view --live', 'view RUN'
# Episodes of the README's picture, and how much they are disturbed so that some miss.
EPISODES, DISTURBED = 64, 'robot:2'


def her_ros(*arguments: object, **more: Any) -> 'subprocess.Popen[str]':
    command = [sys.executable, '-m', 'her_ros.cli.main', *map(str, arguments)]
    return subprocess.Popen(command, text=True, **more)


@contextmanager
def view(*arguments: object) -> Iterator[tuple['subprocess.Popen[str]', str]]:
    """Run ``her-ros view``; yield it and its address."""
    process = her_ros('view', *arguments, '--port', 0, stdout=subprocess.PIPE)
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
    """Take what a view sends, until it ends."""
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


def start_training(folder: Path, env_steps: int) -> 'subprocess.Popen[str]':
    return her_ros(
        'train', '--task', 'FetchPush', '--runs', folder, '--name', 'run', '--no-report',
        '--namespace', NAMESPACE, '--set', f'trainer.stop.env_steps={env_steps}',
        '--set', 'trainer.stop.evaluations=1000', stdout=subprocess.DEVNULL,
    )  # fmt: skip


def beside(kind: str, env_steps: int) -> dict[str, float]:
    """Train beside a view; return env steps per second, and what the view used."""
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / 'FetchPush' / 'run'
        training, used = start_training(Path(name), env_steps), {}
        if kind != WITHOUT:
            while not (run / 'params.yaml').exists():
                time.sleep(0.05)
            given = [run] if kind == RUN else ['--live', '--namespace', NAMESPACE]
            used = used_by_view(given, training)
        training.wait()
        result = json.loads((run / 'result.json').read_text())
        return {'rate': result['env_steps'] / result['wall_s'], **used}


def used_by_view(given: list[object], training: 'subprocess.Popen[str]') -> dict[str, float]:
    """Run a view until a training ends; return the cores and the megabytes that it used."""
    with view(*given) as (process, url):
        client = threading.Thread(target=take_all, args=(url,), daemon=True)
        client.start()
        begin, (before_s, _) = time.monotonic(), usage(process.pid)
        training.wait()
        seconds, (after_s, memory) = time.monotonic() - begin, usage(process.pid)
    client.join()
    return {'cores': (after_s - before_s) / seconds, 'memory': memory}


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
        with view(bag) as (_, url):
            page = open_page(browser, url, 1280, 1000)
            page.click('button:has-text("✗") >> nth=0')
            page.wait_for_selector('button:has-text("Play"), text=/missed by/')
            page.wait_for_timeout(4000)
            # About the browser of whoever draws, not about the view.
            page.evaluate('() => document.querySelectorAll(".mantine-Notifications-root")'
                          '.forEach(each => each.remove())')  # fmt: skip
            picture = Path(folder) / 'picture.png'
            page.screenshot(path=picture, timeout=PATIENCE_MS)
        Image.open(picture).convert('RGB').resize((960, 750)).save(path, quality=85)


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--rounds', type=whole(1), default=3)
    parser.add_argument('--env-steps', type=whole(1600), default=12_000)
    parser.add_argument('--picture', type=Path, help='only draw the picture of the README')
    given = parser.parse_args()
    if given.picture is not None:
        draw_picture(given.picture)
        return
    served_s, drawn_s = first_picture(given.rounds)
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in (WITHOUT, LIVE, RUN)}
    for _ in range(given.rounds):
        for kind, found in results.items():
            found.append(beside(kind, given.env_steps))
    middle = {
        kind: {key: median(each[key] for each in found) for key in found[0]}
        for kind, found in results.items()
    }
    rows = [
        (kind, each['rate'], each.get('cores', 0.0), each.get('memory', 0.0))
        for kind, each in middle.items()
    ]
    print_table('beside', ['env steps/s', 'cores of the view', 'its memory, MB'], rows)
    rate = middle[WITHOUT]['rate']
    print_figures(
        view_served_s=served_s,
        view_first_picture_s=drawn_s,
        view_live_cost=1.0 - middle[LIVE]['rate'] / rate,
        view_run_cost=1.0 - middle[RUN]['rate'] / rate,
        view_memory_mb=max(middle[kind]['memory'] for kind in (LIVE, RUN)),
    )


if __name__ == '__main__':
    main()
