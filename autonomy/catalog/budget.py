"""The words of a budget: whom it binds, what it measures over which time, and how much that may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from autonomy.kernel.money import MAX_MINOR

from .words import Amount, Name, Pattern, Share, Strict, exactly_one, fault

Period = Literal["hour", "day", "month"]
Measure = Literal["money", "calls", "tokens"]
ScopeKind = Literal["unit", "agent", "role", "workflow", "tool"]


class BudgetScope(Strict):
    """Whom a limit binds: exactly one."""

    unit: Name | None = Field(None, description="the unit and every unit below it")
    agent: Name | None = None
    role: Name | None = Field(None, description="all agents that have the role, together")
    workflow: Name | None = Field(None, description="all runs of the workflow, together")
    tool: Pattern | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> BudgetScope:
        exactly_one(unit=self.unit, agent=self.agent, role=self.role, workflow=self.workflow, tool=self.tool)
        return self

    @property
    def subject(self) -> tuple[ScopeKind, str]:
        """What kind of thing is bound, and its name."""
        named: tuple[tuple[ScopeKind, str | None], ...] = (
            ("unit", self.unit),
            ("agent", self.agent),
            ("role", self.role),
            ("workflow", self.workflow),
            ("tool", self.tool),
        )
        return next((kind, name) for kind, name in named if name is not None)


class BudgetSpec(Strict):
    """A hard limit over a calendar period in UTC: settled + reserved never exceed it."""

    scope: BudgetScope
    measure: Measure
    period: Period
    limit: Amount | Annotated[int, Field(ge=0, le=MAX_MINOR)] = Field(
        description="`25000.00 EUR` for money; a whole number of calls or tokens otherwise"
    )
    warnAt: Share | None = Field(
        None, description="the share of the limit from which its users are warned, once a period"
    )
    tell: list[Name] = Field([], description="roles whose holders are told when that share is reached")

    @model_validator(mode="after")
    def _limit_fits_the_measure(self) -> BudgetSpec:
        if self.measure == "money" and isinstance(self.limit, int):
            raise fault("a limit of money is an amount", "write it in quotes, with its currency: `25000.00 EUR`")
        if self.measure != "money" and isinstance(self.limit, str):
            raise fault(f"a limit of {self.measure} is a whole number", "write the number without quotes or currency")
        return self
