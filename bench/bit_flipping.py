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
Bit flipping, the first experiment of the HER paper: DQN with hindsight and without.

Andrychowicz et al. 2017 (arXiv 1707.01495), section 3.1. Prints the share of 200 episodes that
reach their goal, of the untrained and of the trained network, and how long training took.

Run: ``python bench/bit_flipping.py [--bits 40] [--no-her] [--seconds 120] [--seed 0]``
"""

from her_ros.learning.learner import set_up_torch
from her_ros.learning.training.bit_flipping import BitFlippingTraining, learning_parameters
from options import above, Options, SEED, whole
from table import print_figures, print_table

ENOUGH = 0.98


def main() -> None:
    parser = Options(__doc__)
    parser.add_argument('--bits', type=whole(1), default=40)
    parser.add_argument('--no-her', action='store_true', help='keep every goal as it was')
    parser.add_argument('--seconds', type=above(0.0), default=120.0, help='give up after so long')
    parser.add_argument('--seed', type=SEED, default=0)
    options = parser.parse_args()
    set_up_torch(1)
    parameters = learning_parameters(hindsight=not options.no_her, seed=options.seed)
    training = BitFlippingTraining(options.bits, parameters)
    before = training.success()
    rows = [('untrained', 0, 0.0, before)]
    for progress in training.run(options.seconds, enough=ENOUGH):
        rows.append(('', progress.episodes, progress.seconds, progress.success))
    title = f'{options.bits} bits, ' + ('no HER' if options.no_her else 'HER')
    shown = rows[:: max(1, len(rows) // 15)]
    shown += rows[-1:] if shown[-1] is not rows[-1] else []
    print_table(title, ('episodes', 's', 'success'), shown)
    print_figures(
        bit_flipping_success=rows[-1][3],
        bit_flipping_episodes=rows[-1][1],
        bit_flipping_s=rows[-1][2],
    )


if __name__ == '__main__':
    main()
