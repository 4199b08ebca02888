import shutil

import numpy as np
import pytest

from her_ros.config.files import with_overrides
from her_ros.config.run_parameters import values_for
from her_ros.config.shipped import shipped_folders
from her_ros.orchestration.deploy import _box, topics_of
from her_ros.tasks.registry import task_named


def test_the_topics_are_those_of_the_description(tmp_path):
    folder = shipped_folders()[0] / 'config' / 'arms'
    shutil.copy(folder / 'six_joint.xml', tmp_path)
    text = (folder / 'six_joint.yaml').read_text()
    path = tmp_path / 'mine.yaml'
    path.write_text(text.replace('driver:', 'driver:\n  joint_states_topic: mine/joints'))
    assert topics_of(task_named('Push', str(path))) == ['joint_states:=mine/joints']
    assert topics_of(task_named('Push', 'six_joint')) == []


def test_the_safety_filter_gets_the_workspace_of_the_arm():
    values = with_overrides(values_for('Push', None, []), [_box(task_named('Push', 'six_joint'))])
    low, high = np.reshape(values['policy']['safety.workspace'], (2, 3))
    # 0.44 m around the start of Push, from 1 cm above the table of 0.4 m
    np.testing.assert_allclose((low + high)[:2] / 2, [1.3629, 0.7491], atol=1e-3)
    np.testing.assert_allclose(high - low, [0.44, 0.44, 0.47], atol=1e-3)
    assert low[2] == pytest.approx(0.41, abs=1e-3)
