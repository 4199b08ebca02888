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

from her_ros.view.browser.guard import Guard, is_loopback
import pytest


@pytest.mark.parametrize('host', ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])
def test_addresses_of_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.168.1.7', 'example.org', ''])
def test_addresses_that_others_reach(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    'headers',
    [
        {'Host': '127.0.0.1:8080'},
        {'host': 'localhost:8080', 'origin': 'http://localhost:8080'},
        {'Host': '[::1]:8080', 'Origin': 'http://[::1]:8080'},
    ],
)
def test_the_page_of_this_machine_is_served(headers):
    assert Guard().judge('/', headers) is None


@pytest.mark.parametrize(
    'headers',
    [
        {'Host': '127.0.0.1:8080', 'Origin': 'http://evil.example'},
        {'Host': '127.0.0.1:8080', 'Origin': 'null'},
        # a name that another site let point here
        {'Host': 'evil.example:8080', 'Origin': 'http://evil.example:8080'},
        {'Host': 'evil.example:8080'},
        {},
    ],
)
def test_pages_of_others_are_refused(headers):
    verdict = Guard().judge('/', headers)
    assert verdict.status == 403
    assert verdict.text.startswith('refused: ')


def test_a_token_is_taken_from_the_address_once_and_then_from_the_cookie():
    guard, headers = Guard('secret'), {'Host': 'robot:8080'}
    moved = guard.judge('/?token=secret', headers)
    assert (moved.status, moved.headers['Location']) == (303, '/')
    cookie = moved.headers['Set-Cookie'].partition(';')[0]
    assert guard.judge('/', {**headers, 'Cookie': f'a=b; {cookie}'}) is None
    opened = {'Upgrade': 'websocket', 'Origin': 'http://robot:8080', 'Cookie': cookie}
    assert guard.judge('/', {**headers, **opened}) is None
    assert guard.judge('/', {**headers, **opened, 'Origin': 'http://evil'}).status == 403


def test_views_on_two_ports_of_a_host_keep_their_own_cookies():
    cookies = []
    for port, token in ((8080, 'one'), (8081, 'two')):
        moved = Guard(token).judge(f'/?token={token}', {'Host': f'robot:{port}'})
        cookies.append(moved.headers['Set-Cookie'].partition(';')[0])
    both = '; '.join(cookies)
    assert cookies == ['her_ros_token_8080=one', 'her_ros_token_8081=two']
    assert Guard('one').judge('/', {'Host': 'robot:8080', 'Cookie': both}) is None
    assert Guard('two').judge('/', {'Host': 'robot:8081', 'Cookie': both}) is None


@pytest.mark.parametrize('other', ['a={"x":1, "y":2}', 'x=a b c', 'a[b]=1', 'flag', '=', ''])
def test_cookies_of_other_pages_of_the_host_do_not_matter(other):
    headers = {'Host': 'robot', 'Cookie': f'{other}; her_ros_token=secret; z=1'}
    assert Guard('secret').judge('/', headers) is None


@pytest.mark.parametrize(
    ('path', 'cookie'),
    [
        ('/', ''),
        ('/?token=', ''),
        ('/?token=wrong', ''),
        ('/', 'her_ros_token=wrong'),
        ('/', 'her_ros_token='),
        ('/', '"\\'),
        ('/?token=é', ''),
    ],
)
def test_without_the_token_nothing_is_served(path, cookie):
    assert Guard('secret').judge(path, {'Host': 'robot', 'Cookie': cookie}).status == 403
