from pathlib import Path

from her_ros.analysis.report import variant_rows
from her_ros.analysis.results import curves, read_table
from her_ros.analysis.run_report.experiment import is_experiment, write_experiment_report

FOLDER = Path(__file__).parents[3] / 'docs' / 'experiments' / 'her_FetchPush'


def test_the_page_of_an_experiment_holds_its_table_and_its_question(tmp_path):
    assert is_experiment(FOLDER)
    assert not is_experiment(tmp_path)
    out = tmp_path / 'report.html'
    assert write_experiment_report(FOLDER, out) == out
    text = out.read_text('utf-8')
    assert 'Compared: HER against the same agent without it' in text
    for cells in variant_rows(curves(read_table(FOLDER / 'results.csv')), 'FetchPush', None):
        for cell in cells:
            assert f'<td>{cell}</td>' in text
    assert text.count('<svg') == 1
