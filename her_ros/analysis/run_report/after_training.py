"""The report that a training writes at its end."""

from her_ros.runtime.errors import one_line
from her_ros.runtime.run_folder import RunFolder


def report_after_training(run: RunFolder) -> str:
    """
    Write the report of a finished run, without what takes long.

    :return: its path, or why there is none: the result of a training does not depend on it
    """
    try:
        # Only now: drawing is of no use while the run trains.
        from her_ros.analysis.run_report.write import write_run_report

        return str(write_run_report(run, thorough=False))
    except Exception as error:  # whatever it is, the training has succeeded
        return f'not written ({one_line(error)})'
