"""Today's figures are of the hours they say, and of all there is."""

from __future__ import annotations

from pathlib import Path

from autonomy.kernel.clock import HOUR, now
from tests.gate.works import BUDGETS
from tests.server.desk import desk, files
from tests.server.test_insight import caught_up

MANY = "".join(
    f"""---
apiVersion: autonomy/v1
kind: Budget
metadata: {{ name: aa-{number:03} }}
spec: {{ scope: {{ unit: works }}, measure: calls, period: day, limit: 1000 }}
"""
    for number in range(101)
)


def test_what_went_wrong_counts_in_one_of_two_days_and_the_fullest_budget_is_shown(tmp_path: Path) -> None:
    at = [now() - 60 * HOUR]
    with desk(tmp_path, clock=lambda: at[0], organisation=files(budgets=BUDGETS + MANY)) as office:
        for hours in (60, 24, 20, 0):
            at[0] = now() - hours * HOUR
            office.act("pay", payee="acme", amount="1000000.00")
        vera = office.person("vera")
        caught_up(vera)
        found = vera.get("/api/today?audience=supervisor").json["went_wrong"]
        assert (found["denied"], found["denied_before"]) == (2, 1)
        assert office.act("buy", amount="490.00")["status"] == "done"
        spend = office.person("ada").get("/api/today?audience=executive").json["spend"]
        assert spend[0]["name"] == "buying-month" and spend[0]["percent"] == 98 and len(spend) == 5
