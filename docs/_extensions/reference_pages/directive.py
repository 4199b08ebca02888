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

"""The directive ``reference``: Markdown written from the code while the pages are built."""

from collections.abc import Callable
from typing import Any

from reference_pages.commands import command_line, launch_files
from reference_pages.facade import facade
from reference_pages.formats import observations, policy_file, rows, run_folder
from reference_pages.parameters import arm_description, parameters, shipped_values
from reference_pages.topics import services, topics
from sphinx.util.docutils import SphinxDirective

WRITERS: dict[str, Callable[[], str]] = {
    'command line': command_line,
    'launch files': launch_files,
    'parameters': parameters,
    'shipped values': shipped_values,
    'topics': topics,
    'services': services,
    'rows': rows,
    'observations': observations,
    'policy file': policy_file,
    'run folder': run_folder,
    'arm description': arm_description,
    'facade': facade,
}


class Reference(SphinxDirective):
    """Puts what one of the writers returns into the page."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[Any]:
        """Write the text and parse it as a part of the page."""
        self.env.note_reread()
        text = WRITERS[self.arguments[0]]()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive('reference', Reference)
    return {'parallel_read_safe': True}
