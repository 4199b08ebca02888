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

import importlib.util
import sys
import time
import urllib.error
import urllib.request

from her_ros.view.browser.web_site import Address, Site, ViewError
import pytest

needs_viser = pytest.mark.skipif(
    importlib.util.find_spec('viser') is None, reason="needs viser: pip install 'her_ros[view]'"
)


def fetched(url, **headers):
    request = urllib.request.Request(
        url, headers={k.replace('_', '-'): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@needs_viser
def test_the_page_is_served_to_this_machine_alone(capsys):
    with Site('mine', Address(port=0)) as site:
        assert site.url.startswith('http://127.0.0.1:')
        status, page = fetched(site.url)
        assert status == 200
        assert len(page) > 100_000
        assert fetched(site.url, Origin='http://evil.example')[0] == 403
        assert fetched(site.url, Host='evil.example')[0] == 403
    time.sleep(0.2)
    assert capsys.readouterr() == ('', '')


@needs_viser
def test_for_all_networks_a_token_is_asked_for():
    with Site('mine', Address('0.0.0.0', 0)) as site:
        base, _, token = site.url.partition('?token=')
        port = base.rstrip('/').rpartition(':')[2]
        assert len(token) > 20
        here = f'http://127.0.0.1:{port}'
        assert fetched(here)[0] == 403
        assert fetched(here + '?token=no')[0] == 403
        assert fetched(here, Cookie=f'her_ros_token_{port}={token}')[0] == 200


@needs_viser
@pytest.mark.parametrize('host', ['203.0.113.9', 'no.such.host.invalid', 'ü ü'])
def test_an_address_of_another_machine_is_one_line(host):
    with pytest.raises(ViewError, match=r'no address of this machine .*; leave --host out'):
        Site('mine', Address(host, 0))


def test_a_missing_library_is_one_line_with_the_command(monkeypatch, her_ros):
    monkeypatch.setitem(sys.modules, 'viser', None)
    ended = her_ros('view', 'models/FetchPush/policy.onnx')
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert "pip install 'her_ros[view]'" in line
