"""Alert rules and the dashboard ask for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY

import bot.telemetry

ROOT = Path(__file__).parent.parent
THERE = {
    name
    for metric in REGISTRY.collect()
    for name in (metric.name, f"{metric.name}_total", f"{metric.name}_bucket", *(s.name for s in metric.samples))
}


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
