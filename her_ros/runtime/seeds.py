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

"""Independent random generators for every purpose."""

import zlib

import numpy as np

#: role of ``sim_env``: its name in the first runs, so that their seeds still give their episodes
SIM_ENV_ROLE = 'fetch_env'


def seed_sequence(
    run_seed: int, role: str, worker: int = 0, start: int = 0
) -> np.random.SeedSequence:
    """
    Derive a seed from (run seed, role, worker, number of earlier starts).

    :param role: purpose of the numbers, such as ``'policy'``; roles never share a stream
    :param start: 0 for the first start of this role and worker in a run, then 1, 2, …, so that a
        restarted process does not repeat what it drew before
    """
    return np.random.SeedSequence([run_seed, zlib.crc32(role.encode()), worker, start])


def generator(run_seed: int, role: str, worker: int = 0, start: int = 0) -> np.random.Generator:
    """Return an independent generator for (run seed, role, worker, start)."""
    return np.random.default_rng(seed_sequence(run_seed, role, worker, start))


def integer_seed(run_seed: int, role: str, worker: int = 0, start: int = 0) -> int:
    """Return a 30-bit seed for libraries that need an integer; small sums still fit 31 bits."""
    return int(seed_sequence(run_seed, role, worker, start).generate_state(1)[0] >> 2)
