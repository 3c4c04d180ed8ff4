from pathlib import Path

import pytest

from autonomy.kernel.errors import Invalid
from autonomy.policy import Bundle
from autonomy.policy.matrix import Case, Row, load, run

from .organisations import company, invoice_desk, policy

CASES = load(Path(__file__).parent)
DESK = Bundle.build(invoice_desk())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row.name)
def test_the_invoice_desk_decides_as_written(case: Case) -> None:
    [result] = run(DESK, [case])
    assert result.passed, result.differences


def test_the_matrix_holds_the_twelve_cases_with_their_lines() -> None:
    assert [case.row.expect for case in CASES].count("deny") == 5
    assert len(CASES) == 12
    assert (CASES[0].file, CASES[0].line) == ("invoices.yaml", 2)


def test_a_wrong_expectation_says_what_came_instead(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "- {name: n, agent: inv1, tool: invoice.read, arguments: {invoice: i}, expect: deny, policies: [pay-never]}"
    )
    [result] = run(DESK, load(tmp_path))
    assert not result.passed
    assert result.differences == (
        "expected deny, got allow: rule `read` permits it",
        "expected the rules `pay-never`, got `read`",
    )


def test_acting_for_another_is_part_of_a_case(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "- {name: n, agent: inv1, onBehalfOf: [appr], tool: invoice.read, arguments: {invoice: i}, expect: deny}"
    )
    assert run(DESK, load(tmp_path))[0].passed


def test_a_fact_left_out_takes_its_default_and_a_window_none() -> None:
    rule = """@id("it") permit(principal, action == Action::"invoice.pay", resource)
    when { context.facts.left == 500 && context.facts.region == "EU" && context.windows.paid_today == 0 };"""
    bundle = Bundle.build(company(policy("p", rule)))
    pay = {"name": "n", "agent": "inv1", "tool": "invoice.pay", "expect": "allow"}
    arguments = {"invoice": "i", "amount": "1", "currency": "EUR"}
    approve = {"name": "n", "agent": "appr", "tool": "invoice.approve", "expect": "deny"}
    paid, approved = run(
        bundle,
        [
            Case("f", 1, Row.model_validate({**pay, "arguments": arguments})),
            Case("f", 2, Row.model_validate({**approve, "arguments": {"invoice": "i"}})),
        ],
    )
    assert paid.passed
    assert approved.verdict.errors == ("fact `created_by` is missing",)


def test_dates_stay_text(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "- {name: n, agent: inv1, tool: invoice.read, arguments: {invoice: 2026-01-01}, expect: allow}"
    )
    assert run(DESK, load(tmp_path))[0].passed


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("name: x", 1, "does not hold one list"),
        ("- a\n---\n- b", 1, "does not hold one list"),
        ("- [}", 1, "not YAML"),
        ("- {name: a, name: b}", 1, "`name` stands twice"),
        ("- {[1]: b}", 1, "a key must be text"),
        ("\n- {name: a, agent: x, tool: y}", 2, "`expect`: field required"),
        ("- {name: a, agent: x, tool: y, expect: maybe}", 1, "`expect`: input should be"),
        ("- {name: a, agent: x, tool: y, expect: deny, oops: 1}", 1, "`oops`: extra inputs"),
        ("- {name: a, agent: x, tool: y, expect: deny, cost: '1'}", 1, "`cost`: input should be a valid integer"),
        ("- just text", 1, "input should be"),
        ("- !!python/object/apply:os.getcwd []", 1, "is not allowed"),
        ("- \x00", 1, "not allowed in YAML"),
        ("- a\n- \udcff", 2, "not UTF-8"),
        ("[" * 3000, 1, "nested deeper than"),
    ],
)
def test_a_malformed_file_is_refused_with_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Invalid) as refused:
        load(tmp_path)
    [problem] = refused.value.detail["problems"]
    assert (problem["file"], problem["line"]) == ("bad.yaml", line)
    assert says in problem["what"]


def test_every_fault_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {name: a}\n- {name: b}")
    (tmp_path / "b.yaml").write_text("x")
    with pytest.raises(Invalid, match="7 problems in the policy tests") as refused:
        load(tmp_path)
    assert {(problem["file"], problem["line"]) for problem in refused.value.detail["problems"]} == {
        ("a.yaml", 1),
        ("a.yaml", 2),
        ("b.yaml", 1),
    }


def test_a_file_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("#" * 1_048_577)
    with pytest.raises(Invalid) as refused:
        load(tmp_path)
    assert refused.value.code == "policy.test_too_large"
