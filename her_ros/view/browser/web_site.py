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

"""The page of a view: serve it, and who may open it."""

from collections.abc import Iterator
import contextlib
from functools import partial
import os
import secrets
import socket
from typing import Any, NamedTuple

from her_ros.runtime.errors import HerRosError
from her_ros.view.browser.guard import Guard, is_loopback
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# viser's panel on a phone is narrower than the phone, and higher than half of it.
_PHONE = """<style>@media (max-width: 36em) {
div[style*="position: fixed"][style*="max-height: 60%"] {
  width: 100% !important; max-height: 50% !important; font-size: 0.95em }
div[style*="position: fixed"][style*="max-height: 60%"] div[style="width: 20em;"] {
  width: 100% !important } }</style>"""

# How wide the view is, degrees, as MuJoCo's cameras are.
_FOV_DEG = 45.0
# On a phone the view is farther by this factor, and the point looked at is so much lower, metres.
_PHONE_DISTANCE_FACTOR, _PHONE_LOWERING_M = 1.9, 0.55
#: colour of buttons and sliders, red, green, blue
_BRAND = (28, 109, 208)


class ViewError(HerRosError):
    """A view that cannot be opened."""


class Address(NamedTuple):
    """Where the page is served."""

    #: name or address of an interface of this machine
    host: str = '127.0.0.1'
    #: 0: any free one
    port: int = 8080


class Site:
    """
    A page in the browser, of viser; a context manager.

    :param title: of the control panel
    :param address: if it is not of this machine alone, the page asks for a token
    :raises ViewError: if viser is missing, or the address cannot be used
    """

    def __init__(self, title: str, address: Address, is_dark: bool = False) -> None:
        viser = _viser()
        _require_bindable(address)
        token = '' if is_loopback(address.host) else secrets.token_urlsafe(16)
        with _guarded(Guard(token)), _silenced():
            #: the server of viser, with ``scene`` and ``gui``
            self.server: Any = viser.ViserServer(
                address.host, address.port, label=title, verbose=False
            )
        port = self.server.get_port()
        name = socket.gethostname() if address.host in ('0.0.0.0', '::') else address.host
        name = f'[{name}]' if ':' in name else name
        #: what to open in a browser
        self.url = f'http://{name}:{port}/' + (f'?token={token}' if token else '')
        self._use_theme(is_dark)
        self._viewpoint: tuple[Floats, Floats] | None = None
        self.server.on_client_connect(self._turn_camera)
        # Beside the scene, not on it; on a phone it is below.
        self.server.gui.main_panel.dock_right()
        self.server.gui.add_html(_PHONE)

    def __enter__(self) -> 'Site':
        return self

    def __exit__(self, *_: object) -> None:
        with _silenced():
            self.server.stop()

    def look(self, lookat: Floats, position: Floats) -> None:
        """
        Let all pages look at a point, those that are open and those to come.

        :param lookat: the point, metres, world frame, shape (3,)
        :param position: of the camera, as ``lookat``
        """
        self._viewpoint = (lookat, position)
        camera = self.server.initial_camera
        camera.position, camera.look_at, camera.fov = position, lookat, np.deg2rad(_FOV_DEG)
        for client in self.server.get_clients().values():
            self._turn_camera(client)

    def _turn_camera(self, client: Any) -> None:
        """Let a page look at the point; on a phone from farther."""
        if self._viewpoint is None:
            return
        lookat, position = self._viewpoint
        shift, factor = np.zeros(3), 1.0
        if client.camera.image_width < client.camera.image_height:
            # The panel covers the lower half.
            shift, factor = np.array([0.0, 0.0, -_PHONE_LOWERING_M]), _PHONE_DISTANCE_FACTOR
        client.camera.position = lookat + shift + factor * (position - lookat)
        client.camera.look_at = lookat + shift

    def add_dark_box(self, is_dark: bool) -> None:
        """Add a box that makes the page dark."""
        box = self.server.gui.add_checkbox('Dark page', is_dark)
        box.on_update(lambda _: self._use_theme(box.value))

    def _use_theme(self, is_dark: bool) -> None:
        self.server.gui.configure_theme(
            dark_mode=is_dark,
            show_logo=False,
            show_share_button=False,  # it would send the page through a server elsewhere
            brand_color=_BRAND,
            control_width='large',
        )


def _viser() -> Any:
    try:
        import viser
    except ImportError as error:
        raise ViewError(
            f'the view needs viser, which cannot be loaded ({error})',
            "pip install 'her_ros[view]', or pip install viser==1.1.1",
        ) from None
    return viser


def _require_bindable(address: Address) -> None:
    """
    Check that a host is one of this machine; a port that is taken is not an error.

    :raises ViewError: if it is not
    """
    try:
        found = socket.getaddrinfo(address.host, 0, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.bind(found[0][4])
    except OSError as error:
        raise ViewError(
            f'host {address.host!r}: no address of this machine ({error.strerror})',
            'leave --host out for this machine alone, or give 0.0.0.0 for all networks',
        ) from None


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Drop what viser prints when it starts and ends."""
    with open(os.devnull, 'w', encoding='utf-8') as nothing, contextlib.redirect_stdout(nothing):
        yield


@contextlib.contextmanager
def _guarded(guard: Guard) -> Iterator[None]:
    """
    Let the server that viser starts meanwhile ask a guard about each request.

    viser has no place for this, so the function with which it starts the server is wrapped.
    """
    import websockets.asyncio.server as websockets
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    original, guarded_servers = websockets.serve, []

    def answer(connection: Any, request: Any, serve_page: Any) -> Any:
        verdict = guard.judge(request.path, dict(request.headers.raw_items()))
        if verdict is None:
            return serve_page(connection, request)
        body = verdict.text.encode()
        headers = Headers(**{'Content-Length': str(len(body))}, **verdict.headers)
        return Response(verdict.status, verdict.status.phrase, headers, body)

    def serve(handler: Any, host: str, port: int, **options: Any) -> Any:
        guarded_servers.append(port)
        guarded = partial(answer, serve_page=options['process_request'])
        return original(handler, host, port, **{**options, 'process_request': guarded})

    websockets.serve = serve
    try:
        yield
    finally:
        websockets.serve = original
    if not guarded_servers:
        raise ViewError('this version of viser cannot be guarded', 'pip install viser==1.1.1')
