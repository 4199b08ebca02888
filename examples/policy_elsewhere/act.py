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

"""
Run a policy of her_ros with onnxruntime alone, without her_ros and without ROS.

Each line of the standard input is a state: the numbers of observation, achieved goal and desired
goal, in this order. Each line of the output is the action for it, within -1 and 1::

    python act.py policy.onnx < states.txt

Needs numpy and onnxruntime.
"""

import json
import sys

import numpy as np
import onnxruntime

#: format of the contract that this program understands
FORMAT = 1
INPUTS = ('observation', 'achieved_goal', 'desired_goal')


def read_contract(session):
    """Return the contract in the metadata of a policy: sizes, units, control period, origin."""
    metadata = session.get_modelmeta().custom_metadata_map
    if 'her_ros.contract' not in metadata:
        sys.exit('the model has no her_ros.contract in its metadata')
    contract = json.loads(metadata['her_ros.contract'])
    if contract.get('format', 1) != FORMAT:
        sys.exit(f'the contract has format {contract["format"]}, this program reads {FORMAT}')
    return contract


def main(model):
    """Answer the states of the standard input."""
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    contract = read_contract(session)
    observation = sum(size for _, size in contract['observation_fields'])
    sizes = (observation, contract['goal_size'], contract['goal_size'])
    print(
        f'{contract["task"]}, version {contract["version"]}: {sum(sizes)} numbers per state, an'
        f' action every {contract["control_period_s"]} s',
        file=sys.stderr,
    )
    for number, line in enumerate(sys.stdin, start=1):
        try:
            state = np.array(line.split(), np.float32)
        except ValueError:
            state = np.zeros(0, np.float32)
        if len(state) != sum(sizes) or not np.isfinite(state).all():
            sys.exit(f'line {number}: expected {sum(sizes)} finite numbers')
        parts = np.split(state[None], np.cumsum(sizes)[:-1], axis=1)
        (action,) = session.run(['action'], dict(zip(INPUTS, parts, strict=True)))
        low, high = contract['action_low'], contract['action_high']
        print(*np.clip(action[0], low, high), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    main(sys.argv[1])
