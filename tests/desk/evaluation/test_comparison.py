"""Two runs side by side: what changed, for better or worse, and whether that is more than chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.desk.evaluation.comparison import Paired, as_lines, compare, read_run, run_of
from bot.desk.evaluation.labelled import EvaluationError
from bot.vocabulary import Urgency
from tests.desk.evaluation.conftest import made_up, question

EMERGENCY = Urgency.EMERGENCY
DOWN = question("down", "she wont wake up", urgency="emergency", topics=["someone-down"])
DETOX, RELAPSE = question("detox", "and detox?"), question("relapse", "i slipped", topics=["relapse"])
BEFORE = run_of(
    [
        made_up(DOWN, "someone-down", EMERGENCY),
        made_up(DETOX, "relapse"),
        made_up(RELAPSE, "out-of-scope"),
        made_up(question("same")),
        made_up(question("gone")),
    ]
)
NOW = [
    made_up(DETOX, "detox"),
    made_up(RELAPSE, "grief"),
    made_up(question("same")),
    made_up(question("new")),
    made_up(DOWN, "detox"),
]


def test_the_worse_come_first_then_the_better_then_what_is_wrong_in_another_way() -> None:
    found = compare(BEFORE, NOW)
    assert [(c.judged.asked.id, c.worse, c.better) for c in found.changes] == [
        ("down", True, False),
        ("detox", False, True),
        ("relapse", False, False),
    ]
    assert (found.compared, found.only_before, found.only_now) == (4, 1, 1)


def test_a_row_that_is_better_in_one_part_and_worse_in_another_is_worse() -> None:
    asked = question("q", dosing=True, topics=["no-dosing"])
    before = run_of([made_up(asked, "detox", dosing=True)])
    (change,) = compare(before, [made_up(asked, "no-dosing")]).changes
    assert (change.worse, change.better) == (True, False)


def test_a_change_is_told_with_what_was_and_is_and_the_words_of_the_file() -> None:
    told = "\n".join(as_lines(compare(BEFORE, NOW)))
    assert "3 changed: 1 for the worse, 1 for the better, 1 neither" in told
    assert "worse   down  was emergency someone-down  is none detox  | she wont wake up" in told


def test_each_part_is_paired_on_the_rows_that_it_speaks_of() -> None:
    danger, topic = compare(BEFORE, NOW).paired
    assert (danger.name, danger.only_before, danger.only_now) == ("danger right", 1, 0)
    assert (topic.name, topic.only_before, topic.only_now) == ("topic right", 0, 1)


@pytest.mark.parametrize(
    ("before", "now", "p"),
    [(0, 0, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (1, 9, 0.021484), (4, 4, 1.0), (10, 20, 0.098737)],
)
def test_the_p_value_is_mcnemars_exact(before: int, now: int, p: float) -> None:
    # scipy.stats.binomtest(before, before + now).pvalue
    assert Paired("x", before, now).p == pytest.approx(p, abs=1e-6)


def test_a_run_is_saved_without_a_word_of_the_rows_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(BEFORE.model_dump_json(), encoding="utf-8")
    assert read_run(path) == BEFORE
    assert "wake" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "told"), [(None, "cannot be read"), ("{", "no saved run"), ('{"rows": {}}', "no saved run")]
)
def test_a_run_that_cannot_be_used_is_told(content: str | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=told):
        read_run(path)


def test_two_rows_of_one_id_are_no_run() -> None:
    with pytest.raises(EvaluationError, match="same"):
        run_of([made_up(question("same")), made_up(question("same"))])
