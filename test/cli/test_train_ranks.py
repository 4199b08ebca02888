"""``her-ros train`` as several processes of torchrun, over DDS."""

import sys

import pytest

from her_ros.learning.training.checkpoint import load_checkpoint
from her_ros.runtime.run_folder import RunFolder

# Solved by its first evaluation, whatever that shows.
QUICK = (
    'trainer.device=cpu', 'trainer.hidden_sizes=[16, 16]', 'trainer.batch_size=64',
    'trainer.warm_up_steps=200', 'trainer.updates_per_step=0.1', 'trainer.stop.success_rate=0.0',
    'trainer.stop.evaluations=1', 'trainer.evaluation_interval=400', 'evaluator.episodes=4',
    'evaluator.num_envs=4', 'fetch_env.num_envs=4',
)  # fmt: skip


@pytest.mark.nodes
def test_two_processes_train_one_run_and_end_together(graph, tmp_path):
    def torchrun():
        return graph.run(
            sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2',
            '-m', 'her_ros.cli.main', 'train', '--runs', str(tmp_path), '--name', 'both',
            '--no-report', *(word for each in QUICK for word in ('--set', each)),
        )  # fmt: skip

    first = torchrun()
    assert first.ended() == 0, first.output
    assert first.output.count('solved') == 1
    folder = RunFolder(tmp_path / 'FetchReach' / 'both')
    assert load_checkpoint(folder.checkpoint)['learner']['counters'][2] >= 40
    assert folder.policy.exists()
    again = torchrun()  # nothing is left to train, and the second process is told so
    assert again.ended() == 0, again.output
    assert again.output.count('finished already') == 1
