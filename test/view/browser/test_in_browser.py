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

"""The pages in a real Chromium, without a display: what a person does there."""

import contextlib
import functools
import io
from pathlib import Path
import shutil
import threading
from typing import Any, NamedTuple

from her_ros.policy.onnx_policy import OnnxPolicy
from her_ros.runtime.run_folder import RunFolder
from her_ros.tasks.registry import task_named
from her_ros.view.browser.library import bags_in, Library
import numpy as np
from PIL import Image
import pytest

pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")
playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright')

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser'))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium: apt-get install chromium'),
    # Without a GPU a picture may take most of a second.
    pytest.mark.real_time,
    pytest.mark.nodes,
]

MODEL = Path(__file__).parents[3] / 'models/FetchReach/policy.onnx'
# Few pixels, which a CPU draws; and the patience for it.
SIZE, PIXELS, PATIENCE_MS = {'width': 700, 'height': 420}, '?fixedDpr=0.3', 120_000


@pytest.fixture(scope='module')
def chromium():
    # No sandbox, since containers lack what it needs; only pages of ours are opened.
    options = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def shared_site():
    from her_ros.view.browser.web_site import Address, Site

    with Site('test', Address(port=0)) as site:
        yield site


class Opened(NamedTuple):
    """The one page of this module, as loading it takes most of the time."""

    page: Any
    #: addresses that it asked for, and errors in it
    asked: list[str]
    failed: list[str]


@pytest.fixture(scope='module')
def opened(chromium, shared_site):
    page = chromium.new_page(viewport=SIZE)
    page.set_default_timeout(PATIENCE_MS)
    opened = Opened(page, [], [])
    page.on('request', lambda request: opened.asked.append(request.url))
    page.on('websocket', lambda socket: opened.asked.append(socket.url.replace('ws:', 'http:')))
    page.on('pageerror', lambda error: opened.failed.append(str(error)))
    page.goto(shared_site.url + PIXELS)
    page.wait_for_selector('canvas[data-engine]')
    yield opened
    page.close()


@pytest.fixture
def page(opened):
    return opened.page


@pytest.fixture
def site(shared_site):
    """Return the site without what the test before left on it."""
    shared_site.server.gui.reset()
    shared_site.server.scene.reset()
    return shared_site


@contextlib.contextmanager
def running(view):
    """Let a view do its work in another thread, as the command does in its own."""
    ended = threading.Event()

    def run():
        while not ended.is_set():
            view.run(0.1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def colors_of(page):
    """Return the number of colours of the scene: what is empty has one or two."""
    picture = Image.open(io.BytesIO(page.screenshot(timeout=PATIENCE_MS)))
    scene = np.asarray(picture.convert('RGB'))[:, :300]
    return len(np.unique(scene.reshape(-1, 3), axis=0))


def projected(point, camera, box):
    """Where the camera shows a point on the page, pixels."""
    forward = camera.look_at - camera.position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    away = np.asarray(point) - camera.position
    scale = box['height'] / 2 / np.tan(camera.fov / 2) / (away @ forward)
    x = box['x'] + box['width'] / 2 + scale * (away @ right)
    return x, box['y'] + box['height'] / 2 - scale * (away @ up)


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*((np.array(start) + end) / 2).tolist())
    page.mouse.move(*end)
    page.mouse.up()


@pytest.fixture
def patient(wait):
    """Wait for longer: each answer of the page takes the time of a picture."""
    return functools.partial(wait, timeout_s=PATIENCE_MS / 1000)


def test_a_policy_acts_is_paused_and_its_goal_is_typed_and_dragged(page, site, patient):
    from her_ros.view.browser.policy_view import PolicyView

    view = PolicyView(site, OnnxPolicy.load(MODEL), task_named('FetchReach'), is_dark=False)
    player = view._player
    # The panel must not cover the goal.
    page.set_viewport_size({'width': 1000, 'height': 420})
    with running(view):
        patient(lambda: player.ended > 0, 'the end of an episode')
        page.wait_for_selector('text=/reached so far: [1-9]/')
        page.click('button:has-text("Pause")')
        page.wait_for_selector('button:has-text("Play")')
        field = page.locator('input[type="text"], input[type="number"]')
        texts = [each.input_value() for each in field.all()]
        field.nth(texts.index(f'{player.goal[0]:.2f}')).fill('1.30')
        patient(lambda: abs(player.goal[0] - 1.30) < 1e-6, 'the goal that was typed')
        goal = player.goal.copy()
        (client,) = site.server.get_clients().values()
        box = page.locator('canvas[data-engine]').bounding_box()
        low, high = (
            projected(goal + np.array([0, 0, z]), client.camera, box) for z in (0.1, 0.25)
        )
        drag(page, low, high)
        patient(lambda: player.goal[2] > goal[2] + 0.05, 'the goal that was dragged')
        np.testing.assert_allclose(player.goal[:2], goal[:2], atol=1e-3)
        assert colors_of(page) > 50


def test_an_episode_is_found_played_and_gone_through_while_more_come(
    page, site, recorded_run, patient
):
    from her_ros.view.browser.episodes_view import EpisodesView

    run = RunFolder(recorded_run)
    view = EpisodesView(site, {'training': Library(bags_in(run.bags))}, run, is_dark=False)
    with running(view):
        page.wait_for_selector('text=8 episodes')
        page.click('button:has-text("✗ 3")')
        page.wait_for_selector('text=Episode 3 of FetchReach')
        patient(lambda: view._playback.step > 5, 'it plays')
        # A tick that comes while a number is typed would replace it.
        page.click('button:has-text("Pause")')
        page.wait_for_selector('button:has-text("Play")')
        step = page.locator('input:visible').first
        step.fill('20')
        step.press('Enter')
        patient(lambda: (view._playback.step, view._playback.is_playing) == (20, False), 'step 20')
        page.wait_for_selector('text=/cm to the goal/')
        page.click('button:has-text("Play")')
        patient(lambda: view._playback.step > 22, 'it plays on')
        (bag,) = run.bags.glob('*.mcap')
        shutil.copy(bag, bag.with_name('zzz.mcap'))
        page.wait_for_selector('text=16 episodes')
        assert page.locator('.uplot').count() == 3
        assert colors_of(page) > 50


def test_running_nodes_are_followed_through_a_restart(page, site, graph, patient):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from her_ros.nodes.qos import STATUS
    from her_ros.view.browser.live_graph import LiveGraph
    from her_ros.view.browser.live_view import LiveView
    from her_ros.wire.topics import DIAGNOSTICS
    import rclpy

    context = graph.node.context
    names = ('view', 'view_steps')
    pair = [rclpy.create_node(n, context=context, start_parameter_services=False) for n in names]
    publisher = graph.node.create_publisher(DiagnosticArray, DIAGNOSTICS, STATUS)

    def says(text, episodes=None):
        values = [KeyValue(key='episodes', value=str(episodes))]
        status = DiagnosticStatus(name='/mine/trainer', message='learning', values=values)
        if episodes is not None:
            publisher.publish(DiagnosticArray(status=[status]))
        page.wait_for_timeout(100)
        return page.locator(f'text={text}').count()

    view = LiveView(site, LiveGraph(*pair, 'mine'), 'mine', None, is_dark=False)
    with running(view):
        page.wait_for_selector('text=no node of /mine is heard')
        patient(lambda: says('12 episodes', 12), 'the trainer')
        patient(lambda: says('1,234 episodes', 1234), 'the count that rose')
        patient(lambda: says('no node of /mine is heard'), 'its end')
        patient(lambda: says('1,300 episodes', 1300), 'the trainer after its restart')
    for node in pair:
        node.destroy_node()


def test_no_request_has_left_the_machine_and_nothing_failed(opened, shared_site):
    own = (shared_site.url, 'data:', f'blob:{shared_site.url}')
    assert shared_site.url + PIXELS in opened.asked
    assert not [url for url in opened.asked if not url.startswith(own)]
    assert not opened.failed
