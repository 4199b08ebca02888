"""Independent random generators for every purpose."""

import zlib

import numpy as np


def seed_sequence(
    run_seed: int, role: str, worker: int = 0, start: int = 0
) -> np.random.SeedSequence:
    """
    Derive a seed from (run seed, role, worker, number of earlier starts).

    :param role: purpose of the numbers, such as ``'fetch_env'``; roles never share a stream
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
