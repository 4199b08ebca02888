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

from her_ros.view.reports import Reports
import pytest


@pytest.fixture
def reports():
    return Reports()


def test_before_anything_is_heard_nobody_is_said_to_work_or_to_wait(reports):
    assert reports.waiting == 'nothing heard yet'
    assert reports.busy == '–'
    assert reports.troubles == {}
    assert reports.last('trainer', 'episodes') == '0'
    assert reports.mean('trainer', 'updates_per_s') == 0.0


def test_rates_are_means_of_the_last_five_seconds(reports):
    for second, rate in enumerate((1000, 0, 800, 1600, 0, 0, 800)):
        reports.take('trainer', {'updates_per_s': str(rate), 'updates': str(second)}, second)
    # those of seconds 1 … 6
    assert reports.mean('trainer', 'updates_per_s') == pytest.approx(3200 / 6)
    assert reports.last('trainer', 'updates') == '6'


def test_busy_names_nodes_in_the_order_of_the_data_and_workers_side_by_side(reports):
    shares = {
        'evaluator': 0.0, 'trainer': 0.996, 'worker_0/policy': 0.12, 'worker_1/policy': 0.13,
        'worker_1/sim_env': 0.5, 'worker_0/sim_env': 0.97, 'someone_else': 0.3,
    }  # fmt: skip
    for node, share in shares.items():
        reports.take(node, {'busy': str(share)}, 0.0)
    assert reports.busy == 'sim_env 0.97 0.50, policy 0.12 0.13, trainer 1.00, evaluator 0.00'


def test_who_waits_is_named_but_for_the_evaluator(reports):
    reports.take('evaluator', {'waits_for': 'a policy to evaluate'}, 0.0)
    reports.take('trainer', {'waits_for': ''}, 0.0)
    assert reports.waiting == 'nobody'
    reports.take('trainer', {'waits_for': 'bags'}, 1.0)
    assert reports.waiting == 'trainer: bags'


def test_numbers_that_are_none_count_as_zero(reports):
    for text in ('', 'x', 'nan', 'inf', '9' * 400):
        reports.take('trainer', {'busy': text, 'bags_refused': text}, 0.0)
        assert (reports.mean('trainer', 'busy'), reports.total('bags_refused')) == (0.0, 0)


def test_a_node_without_news_for_three_seconds_is_silent_and_does_nothing_else(reports):
    reports.take('worker_0/policy', {'waits_for': 'a policy', 'busy': '1.0'}, 0.0)
    reports.take('trainer', {'updates_per_s': '500', 'busy': '0.9'}, 2.0)
    reports.look(3.0)
    assert reports.troubles == {}
    reports.look(4.0)
    assert reports.troubles == {'silent': 'worker_0/policy for 4 s'}
    assert reports.waiting == 'nobody'
    assert reports.busy == 'trainer 0.90'
    assert reports.mean('trainer', 'updates_per_s') == 500
    reports.look(20.0)
    assert reports.mean('trainer', 'updates_per_s') == 0
    assert reports.last('worker_0/policy', 'busy') == '1.0'
    reports.take('worker_0/policy', {}, 20.0)
    assert reports.troubles == {'silent': 'trainer for 18 s'}


def test_what_was_lost_is_shown_once_there_is_any(reports):
    for worker in range(2):
        reports.take(f'worker_{worker}/recorder', {'rollouts_dropped': '0'}, 0.0)
    reports.take('trainer', {'bags_refused': '0'}, 0.0)
    assert reports.troubles == {}
    reports.take('worker_0/recorder', {'rollouts_dropped': '2'}, 1.0)
    reports.take('worker_1/recorder', {'rollouts_dropped': '1'}, 1.0)
    reports.take('trainer', {'bags_refused': '1'}, 1.0)
    assert reports.troubles == {'rollouts dropped': '3', 'bags refused': '1'}
