"""All figures as text, as JSON and as a page; and the command that gives them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import main
from bot.desk.evaluation.comparison import compare, read_run, run_of
from bot.desk.evaluation.figures import Share, by_slice
from bot.desk.evaluation.judging import Outcome
from bot.desk.evaluation.page import as_html
from bot.desk.evaluation.report import Evaluation, as_json, as_text, misses
from bot.desk.evaluation.robustness import Loss, Part
from bot.vocabulary import Urgency
from tests.desk.evaluation.conftest import made_up, question

EMERGENCY = Urgency.EMERGENCY
QUESTIONS = (
    made_up(question("q1", urgency="emergency", topics=["someone-down"], tags=["veiled"]), "someone-down", EMERGENCY),
    made_up(question("q2", "<script>what is detox</script>", meaning="what <it> is"), "relapse"),
    made_up(question("q3", language="ru", urgency="emergency"), "detox"),
    made_up(question("q4"), "someone-down", EMERGENCY),
    made_up(question("q5", dosing=True, topics=["no-dosing"]), "detox"),
)
TURNS = (made_up(question("c.1")), replace(made_up(question("c.2"), "relapse"), place=1))
WHOLE = Evaluation(
    Outcome(QUESTIONS, TURNS),
    (Loss("leet", (Part(Share("danger", 2, 4), Share("danger", 1, 4)),)),),
    compare(run_of([made_up(QUESTIONS[1].asked)]), QUESTIONS),
)


def test_the_gravest_miss_comes_first() -> None:
    assert [j.asked.id for j in misses(WHOLE.outcome.all)] == ["q3", "q4", "q5", "q2", "c.2"]


def test_the_text_has_each_kind_of_figure_and_nothing_of_no_rows() -> None:
    text = as_text(WHOLE)
    assert "emergency found                      50.0%  [9.5%, 90.5%]  1/2" in text
    assert "language ru" in text
    assert "safeguarding found" not in text
    for told in (
        "100% of 1",
        "calibration error",
        "answered from a score of 0.5: ",
        "later turns",
        "leet",
        "worse   q2",
    ):
        assert told in text
    assert "meaning" not in text  # there may be hundreds


def test_json_has_all_figures_by_slice_and_by_kind() -> None:
    found = json.loads(as_json(WHOLE))
    assert set(found) == set(by_slice(QUESTIONS)) | {
        "calibration", "coverage", "confusion", "latency", "conversations", "robustness", "comparison"
    }  # fmt: skip
    assert found["all"]["emergency found"] == {
        "value": 0.5,
        "interval": [pytest.approx(0.0945, abs=1e-4), pytest.approx(0.9055, abs=1e-4)],
        "some": 1,
        "all": 2,
    }
    assert found["meaning what <it> is"]["right topic first"]["some"] == 0
    assert found["conversations"]["later turns"]["turns right"]["value"] == 0
    assert found["robustness"]["leet"]["danger"]["points_lost"] == 25
    assert [row["id"] for row in found["comparison"]["worse"]] == ["q2"]
    assert found["confusion"]["urgency"]["emergency"] == {"emergency": 1, "self_harm": 0, "safeguarding": 0, "none": 1}


def test_the_page_has_a_table_for_each_slice_two_plots_and_no_markup_of_the_rows() -> None:
    page = as_html(WHOLE)
    assert page.startswith("<!doctype html>")
    slices = len(by_slice(QUESTIONS)) + 4  # and of the turns: all, first, later, one language
    assert page.count("<table>") == page.count("</table>") == slices + 5
    assert page.count("<svg") == 2
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "what &lt;it&gt; is" in page


@pytest.mark.parametrize("outcome", [Outcome(QUESTIONS), Outcome((), TURNS)], ids=["questions", "conversations"])
def test_a_file_of_one_kind_has_the_figures_of_that_kind_alone(outcome: Outcome) -> None:
    only = Evaluation(outcome)
    found = json.loads(as_json(only))
    assert ("all" in found) is bool(outcome.questions)
    assert ("conversations" in found) is bool(outcome.turns)
    assert ("first turns" in as_text(only)) is ("Conversations" in as_html(only)) is bool(outcome.turns)


ROW = {"id": "q1", "text": "what is naloxone", "lang": "en", "urgency": "none", "dosing": False}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of one question."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**ROW, "topics": ["naloxone-what-is"]}), encoding="utf-8")
    return path


def test_one_command_compares_saves_asks_under_noise_and_writes_the_page(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now, page = tmp_path / "before.json", tmp_path / "now.json", tmp_path / "page.html"
    before.write_text(run_of([made_up(question("q1"), "detox")]).model_dump_json(), encoding="utf-8")
    told = ["--against", str(before), "--save", str(now), "--html", str(page), "--robustness"]
    assert main(["evaluate", str(rows), *told]) == 0
    text = capsys.readouterr().out
    assert "other   q1  was none detox  is none naloxone-what-is  | what is naloxone" in text
    assert "stretched letters" in text
    assert read_run(now).verdicts["q1"].topic == "naloxone-what-is"
    assert "what is naloxone" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--save", "--html", "--against"])
def test_a_file_that_cannot_be_written_or_read_is_told_in_one_line(
    option: str, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(rows), option, str(tmp_path / "nowhere" / "file")])
    assert end.value.code == 2
    assert "nowhere" in capsys.readouterr().err.splitlines()[-1]
