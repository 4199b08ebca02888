from pathlib import Path

from her_ros.config.shipped import shipped
from her_ros.learning.training.warm_start import WarmStartError
from her_ros.orchestration.prepare import start_override
from her_ros.orchestration.train_offline import train_offline, TrainOfflineOptions
import pytest


@pytest.fixture
def options(tmp_path):
    """Learn FetchReach from an unreadable bag, starting from the policy of FetchPush."""
    bag = tmp_path / 'a.mcap'
    bag.touch()
    start = start_override(shipped(Path('models', 'FetchPush', 'policy.onnx'), ''))
    overrides = [*start, 'trainer.device=cpu']
    out = tmp_path / 'out'
    return TrainOfflineOptions([bag], 'FetchReach', '', out, 10, None, overrides, False)


def test_a_policy_that_does_not_fit_is_refused_before_bags_are_read(options):
    with pytest.raises(WarmStartError, match='made for FetchPush'):
        train_offline(options)
    assert not options.out.exists()
