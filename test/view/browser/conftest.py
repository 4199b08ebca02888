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

"""Fixtures: a page without a browser, and what a person does on it."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def empty_site() -> Iterator[Any]:
    """Return a page with nothing on it."""
    pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")
    from her_ros.view.browser.web_site import Address, Site

    with Site('test', Address(port=0)) as site:
        yield site


@pytest.fixture
def ask() -> Callable[..., None]:
    """Do what a person does: set a value, or press a button."""

    def ask(handle: Any, value: Any = None) -> None:
        if value is not None:  # no button
            handle.value = value
        for callback in handle._impl.update_cb:
            callback(SimpleNamespace(client='a person', target=handle))

    return ask
