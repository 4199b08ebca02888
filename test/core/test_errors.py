import importlib
import inspect
import pkgutil

import pytest

from her_ros.core.errors import HerRosError


@pytest.mark.parametrize('folder', ['core', 'bags', 'learning', 'deploy', 'sim'])
def test_every_error_of_a_folder_is_one_that_users_are_shown(folder):
    package = importlib.import_module(f'her_ros.{folder}')
    errors = {
        value
        for module in pkgutil.iter_modules(package.__path__, f'{package.__name__}.')
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value)
        and issubclass(value, BaseException)
        and value.__module__.startswith(package.__name__)
    }
    assert errors
    assert all(issubclass(error, HerRosError) for error in errors), errors
