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

from campaign.figures import Figure, or_gave_up
import pytest


def test_a_measurement_that_times_out_becomes_a_failed_figure(capsys):
    def measure():
        raise TimeoutError('bags after the cut: not within 60 s')

    (figure,) = or_gave_up('links_training', measure)
    assert figure.key == 'links_training_gave_up'
    assert not figure.passed
    said = 'links_training: gave up: bags after the cut: not within 60 s\n'
    assert capsys.readouterr().err == said


def test_figures_of_a_measurement_are_kept():
    assert or_gave_up('links', lambda: [Figure('links_cuts', 3)]) == [Figure('links_cuts', 3)]


def test_errors_other_than_timeouts_are_raised():
    with pytest.raises(ZeroDivisionError):
        or_gave_up('links', lambda: [Figure('links_cuts', 1 / 0)])
