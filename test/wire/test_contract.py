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

import dataclasses
from dataclasses import replace
import json

from her_ros.tasks.registry import task_named, TASKS
from her_ros.wire.contract import ContractError, FORMAT, PolicyContract
import pytest


@pytest.fixture
def contract(toy):
    return PolicyContract.of(toy, 12, {'run': 'run_001', 'seed': '3'})


def changed(contract, **values):
    return json.dumps(json.loads(contract.to_json()) | values)


def test_a_contract_survives_its_journey(contract):
    read = PolicyContract.from_json(contract.to_json())
    assert read == contract
    assert read.provenance == {'run': 'run_001', 'seed': '3'}


def test_a_contract_says_what_the_task_says(contract, toy):
    assert contract.task == 'Toy'
    assert contract.version == 12
    assert contract.observation_fields == (('position', 2), ('velocity', 3))
    assert (contract.goal_size, contract.action_size) == (2, 4)
    assert (contract.action_low, contract.action_high) == (-1, 1)
    assert (contract.control_period_s, contract.goal_tolerance_m) == (0.1, 0.25)


@pytest.mark.parametrize(
    'text',
    ['', 'no JSON', '[]', '5', 'null', '{}', '{"task": "Toy"}', '"text"'],
)
def test_what_is_no_contract_is_refused_in_one_line(text):
    with pytest.raises(ContractError, match=r'^the policy contract cannot be read') as caught:
        PolicyContract.from_json(text)
    assert len(str(caught.value).splitlines()) == 1


def test_a_contract_without_an_arm_has_the_fields_that_earlier_versions_know(contract):
    assert not {'arm', 'workspace'} & set(json.loads(contract.to_json()))
    on_arm = replace(contract, arm='panda', workspace=(0.5, 0.1))
    assert PolicyContract.from_json(on_arm.to_json()) == on_arm


def test_a_contract_without_a_field_is_refused(contract):
    for field in dataclasses.fields(contract):
        values = json.loads(contract.to_json())
        values.pop(field.name, None)
        if field.name in ('format', 'arm', 'workspace'):  # those that the first files lack
            assert PolicyContract.from_json(json.dumps(values)) == contract
            continue
        with pytest.raises(ContractError, match='cannot be read'):
            PolicyContract.from_json(json.dumps(values))


@pytest.mark.parametrize(
    'values',
    [
        {'surprise': 1},
        {'observation_fields': 5},
        {'observation_fields': [['position', 2, 3]]},
        {'observation_fields': [['position', 'two']]},
        {'observation_fields': [['position', float('inf')]]},
        {'version': 'new'},
        {'version': 1.5},
        {'version': -1},
        {'version': 1 << 32},
        {'version': True},
        {'provenance': ['run_001']},
        {'arm': 7},
        {'workspace': 'all'},
        {'workspace': 3},
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(contract, values):
    with pytest.raises(ContractError, match='cannot be read'):
        PolicyContract.from_json(changed(contract, **values))


def test_another_format_is_named_whatever_else_it_holds(contract):
    for values in ({'format': FORMAT + 1}, {'format': FORMAT + 1, 'safety': 'on'}):
        with pytest.raises(ContractError, match=rf'format {FORMAT + 1}; .* reads {FORMAT}'):
            PolicyContract.from_json(changed(contract, **values))


def test_a_policy_fits_its_own_task_alone(toy):
    for task in (toy, *TASKS.values()):
        contract = PolicyContract.of(task, 1, {})
        contract.check_fits(task)
        for other in (toy, *TASKS.values()):
            if other != task and not contract.is_of_other_arm(other):
                with pytest.raises(ContractError, match=f'made for {task.name}') as caught:
                    contract.check_fits(other)
                assert other.name in str(caught.value)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('goal_size', 3),
        ('action_size', 2),
        ('goal_tolerance_m', 0.3),
        ('control_period_s', 0.04),
        ('observation_fields', (('velocity', 3), ('position', 2))),
        ('action_high', 2.0),
    ],
)
def test_what_differs_is_named_with_both_values(contract, toy, field, value):
    wanted = getattr(contract, field)
    with pytest.raises(ContractError) as caught:
        dataclasses.replace(contract, **{field: value}).check_fits(toy)
    assert caught.value.complaint == (
        f'the policy was made for Toy: its {field} is {value!r}, Toy needs {wanted!r}'
    )
    assert caught.value.cure == 'use one that was trained for it'


def test_a_policy_of_another_arm_fits_only_if_that_is_accepted():
    panda, ur5e = task_named('Push'), task_named('Push', 'folder/ur5e_2f85.yaml')
    contract = PolicyContract.of(replace(panda, workspace=(0.0,) * 7), 1, {})
    assert PolicyContract.from_json(contract.to_json()) == contract
    contract.check_fits(panda)
    assert not contract.is_of_other_arm(panda)
    refused = r'^the policy was trained on arm franka_panda, not on arm ur5e_2f85; .*--accept-arm'
    with pytest.raises(ContractError, match=refused):
        contract.check_fits(ur5e)
    contract.check_fits(ur5e, accept_arm=True)
    with pytest.raises(ContractError, match=r'made for Push: its task .* PickAndPlace needs'):
        contract.check_fits(task_named('PickAndPlace', 'ur5e_2f85'), accept_arm=True)


def test_a_policy_of_another_workspace_of_the_arm_fits_only_if_that_is_accepted():
    task = replace(task_named('Push'), workspace=(0.0,) * 7)
    contract = PolicyContract.of(task, 1, {})
    other = replace(task, workspace=(0.0,) * 6 + (0.1,))
    refused = r'^the policy was trained on an arm franka_panda with another workspace: .*0\.1\]; '
    with pytest.raises(ContractError, match=refused):
        contract.check_fits(other)
    contract.check_fits(other, accept_arm=True)
    contract.check_fits(task)
    PolicyContract.of(task_named('Push'), 1, {}).check_fits(other)  # of a file without it
    # An arm of another name has another workspace anyhow.
    contract.check_fits(replace(other, arm='ur5e_2f85'), accept_arm=True)


def test_a_policy_of_the_fetch_is_one_of_another_arm():
    contract = PolicyContract.of(TASKS['FetchPush'], 1, {})
    with pytest.raises(ContractError, match=r'^the policy was trained on the Fetch, not on arm '):
        contract.check_fits(task_named('Push'))
    contract.check_fits(task_named('Push'), accept_arm=True)
    with pytest.raises(ContractError, match=r'made for FetchPush: its task'):
        contract.check_fits(task_named('Slide'), accept_arm=True)
    contract.check_fits(TASKS['FetchPush'])
