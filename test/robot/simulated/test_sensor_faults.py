import numpy as np
import pytest

from her_ros.robot.simulated.sensor_faults import Delay, SensorFaults


def make(object_noise_m=0.0, joint_noise_rad=0.0, drop_probability=0.0, seed=0):
    generator = np.random.default_rng(seed)
    return SensorFaults(generator, object_noise_m, joint_noise_rad, drop_probability)


def test_noise_has_its_standard_deviation_and_no_bias():
    place, turning = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    imperfect = make(object_noise_m=0.01, joint_noise_rad=0.02)
    seen = np.array([imperfect.object_position(place) for _ in range(4000)]) - place
    assert seen.std(axis=0) == pytest.approx(0.01, rel=0.05)
    assert seen.mean(axis=0) == pytest.approx(0.0, abs=4 * 0.01 / 4000**0.5)
    joints = [imperfect.joint_positions(place, turning) for _ in range(4000)]
    errors = np.array(joints) - place
    assert errors.std(axis=0) == pytest.approx([0.02, 0.0, 0.02], rel=0.05)


def test_without_imperfection_everything_stays_as_it_is():
    place = np.array([1.0, 2.0, 3.0])
    assert (make().object_position(place) == place).all()
    assert (make().joint_positions(place, np.ones(3, bool)) == place).all()
    assert not any(make().loses() for _ in range(1000))


def test_messages_get_lost_at_their_rate_and_the_same_ones_for_a_seed():
    lost = [
        [imperfect.loses() for _ in range(4000)]
        for imperfect in (make(drop_probability=0.2), make(drop_probability=0.2))
    ]
    assert np.mean(lost[0]) == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / 4000) ** 0.5)
    assert lost[0] == lost[1]


def test_messages_are_held_for_the_latency_in_order():
    delay = Delay(0.04)
    for tick in range(4):
        delay.put(tick, 0.01 * tick)
    assert delay.taken(0.039) == []
    assert delay.taken(0.055) == [0, 1]
    assert delay.taken(0.055) == []
    assert delay.taken(1.0) == [2, 3]
