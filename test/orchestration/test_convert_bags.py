from her_ros.orchestration import convert_bags
from her_ros.orchestration.bag_conversion import UnusableRecording
from her_ros.runtime.errors import HerRosError
import pytest


def test_bags_are_converted_for_the_arm_of_the_parameters(tmp_path, monkeypatch):
    tasks = []

    def stopped(path, task, *_):
        tasks.append(task)
        raise UnusableRecording('stopped here')

    monkeypatch.setattr(convert_bags, 'BagConversion', stopped)
    (tmp_path / 'a.mcap').write_bytes(b'')
    for overrides in (['arm=six_joint'], ['robot_bridge.arm=six_joint'], []):
        with pytest.raises(HerRosError, match='stopped here'):
            convert_bags.convert(
                [tmp_path / 'a.mcap'], 'Reach', tmp_path / 'out', [], None, overrides
            )
    assert [task.arm for task in tasks] == ['six_joint', 'six_joint', 'franka_panda']
