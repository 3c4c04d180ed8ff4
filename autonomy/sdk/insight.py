"""Figures of the workforce, and labels of results, as calls of the server's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .caller import PAGE, Caller, Object, Objects, part


class InsightCalls(Caller):
    """What agents do, how well, at what cost; and whether their results were right.

    Times are milliseconds since the epoch; `bucket` is `hour` or `day`; `by` is `agent`, `revision`, `role`, `workflow`
    or `unit`.
    """

    def formulas(self) -> list[Object]:
        """How every figure is computed."""
        return list(self._get("/api/insight/formulas")["formulas"])

    def figures(self, by: str = "all", **time: Any) -> Object:
        """The figures of everything, or of each; `since`, `until`, `bucket`, and `key` for one of them."""
        found = self._get("/api/insight/kpis", by=by, limit=PAGE, **time)
        while found["next"] is not None:
            more = self._get("/api/insight/kpis", by=by, limit=PAGE, after=found["next"], **time)
            found["items"] += more["items"]
            found["next"] = more["next"]
        return found

    def figures_over_time(self, by: str = "all", key: str = "all", **time: Any) -> Object:
        """The figures of one, bucket by bucket: `points`."""
        return self._get("/api/insight/series", by=by, key=key, **time)

    def compare_figures(self, keys: Sequence[str], by: str = "agent", **time: Any) -> Object:
        """Several side by side, and who is best at what."""
        return self._get("/api/insight/compare", key=list(keys), by=by, **time)

    def figures_lag(self) -> Object:
        """How far the figures are behind the log."""
        return self._get("/api/insight/lag")

    def recompute_figures(self, mend: bool = False) -> Object:
        """Begin to count the whole log anew. Raises Conflict where that is under way."""
        return self._post("/api/insight/recompute", mend=mend)

    def recomputed_figures(self) -> Object:
        """What came of it, or how far it is."""
        return self._get("/api/insight/recompute")

    def scorecard(self, agent: str, **time: Any) -> Object:
        """What is expected of an agent, and what is measured. Raises NotFound."""
        return self._get(f"/api/agents/{part(agent)}/scorecard", **time)

    def today(self, audience: str | None = None) -> Object:
        """What needs you, what runs, what went wrong, spend and figures, as the audience needs them."""
        return self._get("/api/today", audience=audience)

    def label(self, subject: str, verdict: str, reason: str = "", correction: Any = None) -> Object:
        """Say of the result of an action, a run or a task (by its id) that it is `right`, `wrong` or `corrected`."""
        said = {} if correction is None else {"correction": correction}
        return self._post(f"/api/{_kind(subject)}/{part(subject)}/label", verdict=verdict, reason=reason, **said)

    def labels(self, verdict: str | None = None, agent: str | None = None) -> Objects:
        """The label that counts for each result, those given last first."""
        return self._pages("/api/labels", verdict=verdict, agent=agent)

    def reviews(self, agent: str | None = None, **drawn: str | int | None) -> Object:
        """Results to be judged (`items`), drawn at random; `drawn` may say `count`, and `seed`, `since` and `size` of
        an earlier draw."""
        return self._get("/api/reviews", agent=agent, **drawn)

    def labels_of(self, subject: str) -> list[Object]:
        """Everything that was said of one result, in order."""
        return list(self._get(f"/api/{_kind(subject)}/{part(subject)}/labels")["labels"])


def _kind(subject: str) -> str:
    kinds = {"run": "runs", "task": "tasks"}
    return kinds.get(subject.partition("_")[0], "actions")
