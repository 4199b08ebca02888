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

"""The report that a training writes at its end."""

from her_ros.runtime.errors import one_line
from her_ros.runtime.run_folder import RunFolder


def report_after_training(run: RunFolder) -> str:
    """
    Write the report of a finished run, without what takes long.

    :return: its path, or why there is none: the result of a training does not depend on it
    """
    try:
        # Only now: drawing is of no use while the run trains.
        from her_ros.analysis.run_report.write import write_run_report

        return str(write_run_report(run, thorough=False))
    except Exception as error:  # whatever it is, the training has succeeded
        return f'not written ({one_line(error)})'
