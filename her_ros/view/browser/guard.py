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

"""Refuse requests to the page that come from elsewhere than the user's own browser."""

from collections.abc import Mapping
import hmac
from http import HTTPStatus
import ipaddress
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

_COOKIE = 'her_ros_token'


class Verdict(NamedTuple):
    """What becomes of a request that is not simply served."""

    status: HTTPStatus
    text: str
    headers: Mapping[str, str]


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    name = host.strip('[]')
    if name == 'localhost':
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """
    Decides which requests are served.

    Any page in the user's browser may open a connection to this machine, and a view moves robots.
    So a connection must come from the page itself; without a token the page must also have been
    opened under a name of this machine, which no other site can take.

    :param token: what a request must bring, in its address or in a cookie; empty: none
    """

    def __init__(self, token: str = '') -> None:
        self._token = token

    def judge(self, path: str, headers: Mapping[str, str]) -> Verdict | None:
        """
        Return what to answer; None: serve the request.

        :param path: of the request, with its query
        :param headers: of the request; their names in any case, see RFC 9110
        """
        given = {name.lower(): value for name, value in headers.items()}
        host, origin = given.get('host', ''), given.get('origin')
        if origin is not None and urlsplit(origin).netloc != host:
            return _refusal(f'the page {origin} must not use this view')
        if not self._token:
            name = urlsplit(f'//{host}').hostname or ''
            return None if is_loopback(name) else _refusal('open it as http://127.0.0.1')
        name = _cookie_name(host)
        if self._is_token(_cookie_of(given.get('cookie', ''), name)):
            return None
        query = parse_qs(urlsplit(path).query)
        if not self._is_token(query.get('token', [''])[0]):
            return _refusal('open the address that `her-ros view` printed, with its token')
        cookie = f'{name}={self._token}; HttpOnly; SameSite=Strict; Path=/'
        # So the token leaves the address bar.
        return Verdict(HTTPStatus.SEE_OTHER, '', {'Location': '/', 'Set-Cookie': cookie})

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())


def _cookie_name(host: str) -> str:
    """Return the name of the cookie; browsers keep one set of cookies for all ports of a host."""
    port = host.rpartition(':')[2]
    return f'{_COOKIE}_{port}' if port.isascii() and port.isdigit() else _COOKIE


def _cookie_of(header: str, wanted: str) -> str:
    # By hand, since http.cookies gives up at the first cookie that it dislikes, of any site here.
    for pair in header.split(';'):
        name, _, value = pair.strip().partition('=')
        if name == wanted:
            return value
    return ''


def _refusal(reason: str) -> Verdict:
    return Verdict(HTTPStatus.FORBIDDEN, f'refused: {reason}\n', {})
