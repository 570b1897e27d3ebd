"""Scores are held against how often they are right."""

from __future__ import annotations

import pytest

from bot.desk.evaluation.calibration import Bin, calibration_error, coverage, reliability
from tests.desk.evaluation.conftest import made_up, question


def test_a_bin_holds_the_rows_of_a_tenth_of_the_score() -> None:
    scored = [(0.91, "detox"), (0.99, "relapse"), (1.0, "detox"), (0.42, "detox")]
    bins = reliability([made_up(question("q"), topic, score=score) for score, topic in scored])
    assert [(one.rows, one.right) for one in bins] == [(1, 1.0), (3, pytest.approx(2 / 3))]
    assert [one.score for one in bins] == [pytest.approx(0.42), pytest.approx((0.91 + 0.99 + 1) / 3)]


def test_the_calibration_error_is_the_mean_distance_over_rows() -> None:
    assert calibration_error([Bin(3, 0.9, 0.6), Bin(1, 0.2, 0.2)]) == pytest.approx(0.75 * 0.3)
    assert calibration_error([Bin(10, 0.7, 0.7)]) == 0
    assert calibration_error([]) is None


def test_a_higher_bar_answers_fewer_and_the_wrong_are_counted_among_those() -> None:
    judged = [
        made_up(question("q1"), score=0.9),
        made_up(question("q2"), "relapse", score=0.52),
        made_up(question("q3"), "out-of-scope", score=0.95),  # no bar makes an answer of it
        made_up(question("q4", dosing=True), score=0.9),  # not a plain question
    ]
    points = {p.threshold: p for p in coverage(judged)}
    assert (points[0.5].answered.some, points[0.5].answered.all) == (2, 3)
    assert (points[0.5].wrong.some, points[0.5].wrong.all) == (1, 2)
    assert (points[0.55].answered.some, points[0.55].wrong.some) == (1, 0)
    assert points[0.95].wrong.value is None
