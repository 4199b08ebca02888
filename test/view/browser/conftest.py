"""Fixtures: a page without a browser, and what a person does on it."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def empty_site() -> Iterator[Any]:
    """Return a page with nothing on it."""
    pytest.importorskip('viser', reason="needs viser: pip install 'her_ros[view]'")
    from her_ros.view.browser.site import Address, Site

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
