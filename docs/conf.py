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

"""Configuration of Sphinx; ``make docs`` builds the pages into ``build/docs``."""

from importlib.util import find_spec
from pathlib import Path
import re
import sys
from typing import Any


def package_root() -> Path:
    """
    Return the folder of package.xml.

    rosdoc2 runs a copy of these pages, and puts that folder on the path.
    """
    folder = Path(__file__).resolve().parent.parent
    if (folder / 'package.xml').is_file():
        return folder
    package = find_spec('her_ros')
    return Path(package.origin).parent.parent if package and package.origin else folder


ROOT = package_root()
sys.path[:0] = [str(ROOT), str(ROOT / 'docs' / '_extensions')]

from her_ros import __version__  # noqa: E402
from numpy.typing import ArrayLike  # noqa: E402
from sphinx.util.typing import stringify_annotation  # noqa: E402

project = 'her_ros'
author = 'her_ros maintainers'
project_copyright = f'{author}, Apache-2.0'
release = version = __version__

extensions = [
    'sphinx.ext.autodoc',
    'myst_parser',
    'reference_pages.directive',
    'source_pages',
]
if find_spec('sphinx_copybutton'):
    extensions.append('sphinx_copybutton')

her_ros_root = str(ROOT)
# rosdoc2 adds an index of its own, pages that begin with underscores, and README, CHANGELOG, …
exclude_patterns = ['index.rst', '[A-Z_]*']
suppress_warnings = ['ref.python', 'myst.header']

myst_enable_extensions = ['colon_fence', 'deflist', 'fieldlist']
myst_heading_anchors = 4

autodoc_default_options = {'members': True, 'member-order': 'bysource', 'show-inheritance': True}
add_module_names = False
autodoc_typehints_format = 'short'
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

highlight_language = 'text'

html_title = f'her_ros {release}'
html_theme = 'furo' if find_spec('furo') else 'sphinx_rtd_theme'
html_theme_options: dict[str, Any] = {}
html_static_path = ['_static']
html_css_files = ['her_ros.css']
smartquotes_action = 'D'  # dashes; quotes stay as they are
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = '.linenos, .gp, .go'

# Read by rosdoc2 alone.
rosdoc2_settings = {'allow_other_extensions': True, 'override_theme': False}

# What a machine that builds the pages may lack, such as docs.ros.org or one without ROS's launch.
_HEAVY = (
    *('launch.actions', 'launch_ros', 'rclpy', 'mujoco', 'torch', 'onnx', 'onnxruntime', 'mcap'),
    *('gymnasium', 'gymnasium_robotics', 'rosbags', 'cryptography', 'matplotlib'),
    'stable_baselines3',
)


def _is_missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ImportError:
        return True


def _shorten(*event: Any) -> tuple[str | None, str | None]:
    """Write types of arrays as the code does: autodoc sees what they stand for."""
    array_like = stringify_annotation(ArrayLike, 'smart')
    array = re.compile(r'~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[(.*?)\]\]')

    def short(text: str | None) -> str | None:
        return text and array.sub(r'NDArray[\1]', text.replace(array_like, 'ArrayLike'))

    return short(event[-2]), short(event[-1])


def setup(app: Any) -> None:
    """Let autodoc go without packages that are missing, also where rosdoc2 sets its own list."""
    app.connect('autodoc-process-signature', _shorten)
    missing = [module.partition('.')[0] for module in _HEAVY if _is_missing(module)]
    app.connect('config-inited', lambda _, config: config.autodoc_mock_imports.extend(missing))
