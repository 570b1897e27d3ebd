"""Alert rules and the dashboard ask for metrics that there are."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import bot.assistant
import bot.telemetry
from bot.conversation.guard import Fault

ROOT = Path(__file__).parent.parent
THERE = {
    name
    for metric in REGISTRY.collect()
    for name in (metric.name, f"{metric.name}_total", f"{metric.name}_bucket", *(s.name for s in metric.samples))
}
SERIES = [(series.name, series.labels) for metric in REGISTRY.collect() for series in metric.samples]
"""All that Prometheus reads before anything has happened."""


def asked(text: str) -> set[str]:
    """The names of metrics of ours in a text."""
    return set(re.findall(r"\boverdose_bot_\w+", text))


def test_every_alert_asks_for_metrics_that_there_are_and_says_what_to_do() -> None:
    rules = yaml.safe_load((ROOT / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert bot.telemetry.ALARMS
    for rule in rules:
        assert asked(rule["expr"]) <= THERE, rule["alert"]
        assert len(rule["annotations"]["runbook"]) > 60, rule["alert"]


def test_every_panel_of_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads((ROOT / "dashboard.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            assert asked(target["expr"]), panel["title"]
            assert asked(target["expr"]) <= THERE, panel["title"]


def test_every_alarm_that_an_alert_waits_for_is_raised_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    text = (ROOT / "alerts.yaml").read_text(encoding="utf-8")
    events = {e for found in re.findall(r'event=~?"([^"]+)"', text) for e in found.split("|")}
    assert events
    for event in events:
        assert f'alarm("{event}"' in code, event


def test_the_alert_on_a_store_that_is_away_lasts_as_long_as_it_is() -> None:
    rules = yaml.safe_load((ROOT / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    (rule,) = (rule for rule in rules if rule["alert"] == "OverdoseBotStoreAway")
    assert asked(rule["expr"]) == {"overdose_bot_store_away"}
    assert "increase" not in rule["expr"]


def test_every_first_event_that_an_alert_waits_for_is_an_increase_of_a_series_that_there_was() -> None:
    text = (ROOT / "alerts.yaml").read_text(encoding="utf-8")
    counted = re.findall(r"increase\((\w+)(?:\{(\w+)=~?\"([^\"]+)\"\})?\[", text)
    assert len(counted) > 4
    for name, label, values in counted:
        assert [labels for series, labels in SERIES if series == name], name
        for value in values.split("|") if label else ():
            assert [labels for series, labels in SERIES if series == name and labels[label] == value], value
    faults = {labels["fault"] for name, labels in SERIES if name == "overdose_bot_guard_faults_total"}
    assert faults == set(Fault)


def test_every_alarm_in_the_code_is_in_the_list_of_those_that_there_are() -> None:
    raised: set[str] = set()
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "alarm":
                raised |= events_of(node.args[0])
    assert raised == set(bot.telemetry.EVENTS)


def events_of(named: ast.expr) -> set[str]:
    """The events that an expression may name."""
    if isinstance(named, ast.IfExp):
        return events_of(named.body) | events_of(named.orelse)
    assert isinstance(named, ast.Constant)
    return {str(named.value)}


@pytest.mark.parametrize(
    ("name", "metric"), [("alerts.yaml", "turns"), ("dashboard.json", "turns"), ("dashboard.json", "received")]
)
def test_the_questions_of_our_own_count_among_nobodys(name: str, metric: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\", "")
    counted = re.findall(rf"overdose_bot_{metric}_total(\{{[^}}]*\}})?", text)
    assert counted
    assert all('channel!="canary"' in selector for selector in counted)
