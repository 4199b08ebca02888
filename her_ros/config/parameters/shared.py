"""Parameters that all nodes of a run share."""

from dataclasses import dataclass

from her_ros.config.schema import parameter

#: description of the parameter ``disturb`` of nodes that simulate
DISTURB = (
    'disturbances of the episodes, such as robot or robot:0.5,push_mps, listed in'
    ' docs/how_to/robust.md; empty: none'
)


@dataclass(frozen=True)
class NodeParameters:
    """Parameters that all nodes of a run share; they may stand in the section ``/**``."""

    task: str = parameter('FetchReach', 'name of the task')
    arm: str = parameter(
        '',
        'name of the arm that does the task, or path of its description; empty: the one of the'
        ' task. Fetch tasks take no other',
    )
    seed: int = parameter(0, 'seed of the run', minimum=0, maximum=2**31 - 1)
    run_dir: str = parameter('', 'folder of the run; empty: keep nothing')
