from campaign import bags
from campaign.figures import Scale


def test_damaged_and_hostile_bags(tmp_path):
    figures = bags.run(Scale.SMALL, tmp_path)
    assert all(figure.passed for figure in figures), figures
    assert figures[0].value == 9 * 2 * 4
