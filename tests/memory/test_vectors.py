"""Rules of vectors and of rankings: what may come back of an endpoint, how near the kept form is, how rankings join."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.memory_space import Embedding
from autonomy.kernel.errors import Invalid
from autonomy.memory import vectors
from autonomy.memory.nearest import AT_ONCE, nearest
from autonomy.memory.ranking import FUSION, fused
from autonomy.memory.vectors import Due
from tests.examples import tried

SAID = Embedding(connector="vectors", model="bag", dimensions=8, characters=100)
NUMBERS = st.floats(-1e300, 1e300).filter(lambda each: each == 0 or abs(each) > 1e-290)
VECTORS = st.lists(NUMBERS, min_size=8, max_size=8).filter(any)
RANKINGS = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=10), max_size=5)


def exact(one: list[float], other: list[float]) -> float:
    """The cosine, for numbers of any size."""
    one, other = ([each / max(map(abs, vector)) for each in vector] for vector in (one, other))
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


@given(VECTORS, VECTORS)
def test_a_byte_for_each_number_keeps_the_cosine_to_a_hundredth(one: list[float], other: list[float]) -> None:
    ((found, _),) = nearest([[(1, vectors.quantised(one))]], other, 1, -2)
    assert abs(found - exact(one, other)) < 0.013


@settings(max_examples=tried(40))
@given(st.lists(VECTORS, min_size=1, max_size=8), VECTORS, st.integers(1, 5))
def test_the_nearest_are_found_however_they_are_parted(every: list[list[float]], asked: list[float], most: int) -> None:
    blobs = [(number, vectors.quantised(each)) for number, each in enumerate(every)]
    whole = nearest([blobs], asked, most, -2)
    parted = nearest([[each] for each in blobs], asked, most, -2)
    assert [number for _, number in whole] == [number for _, number in sorted(whole, reverse=True)]
    assert len(whole) == min(most, len(every))
    assert [cosine for cosine, _ in parted] == pytest.approx([cosine for cosine, _ in whole], abs=1e-5)
    assert nearest([blobs, []], asked, most, 1.1) == []
    assert AT_ONCE * 4_096 * 4 < 2**23, "bytes of numbers at once"


@given(RANKINGS)
def test_fusion_holds_each_once_and_sums_what_its_places_are_worth(rankings: list[list[int]]) -> None:
    found = fused(rankings)
    assert sorted(found) == sorted({seq for each in rankings for seq in each})

    def worth(seq: int) -> float:
        return sum(1 / (FUSION + 1 + each.index(seq)) for each in rankings if seq in each)

    assert [worth(seq) for seq in found] == pytest.approx(sorted(map(worth, found), reverse=True))


@given(st.lists(st.integers(), unique=True))
def test_one_ranking_alone_stays_as_it_is(ranking: list[int]) -> None:
    assert fused([ranking]) == fused([ranking, []]) == ranking


@given(RANKINGS, st.integers(0, 20))
def test_what_another_ranking_holds_first_does_not_fall(rankings: list[list[int]], seq: int) -> None:
    before, after = fused(rankings), fused([*rankings, [seq]])
    assert seq not in before or after.index(seq) <= before.index(seq)


@given(
    st.lists(VECTORS, min_size=1, max_size=5).flatmap(
        lambda every: st.tuples(st.just(every), st.permutations(range(len(every))))
    )
)
def test_an_answer_is_read_in_the_order_of_the_texts(given_: tuple[list[list[float]], list[int]]) -> None:
    every, order = given_
    answer = {"data": [{"index": at, "embedding": every[at]} for at in order]}
    assert vectors.read(answer, len(every), 8) == every
    assert vectors.read({"data": [{"embedding": each} for each in every]}, len(every), 8) == every


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["data", "index", "embedding"]), inner),
    max_leaves=12,
)


@settings(max_examples=tried(60))
@given(JSON)
def test_whatever_an_endpoint_says_is_vectors_or_refused(said: Any) -> None:
    try:
        found = vectors.read(said, 2, 2)
    except Invalid as error:
        assert error.code == "memory.vectors"
    else:
        assert all(len(each) == 2 and all(map(math.isfinite, each)) and any(each) for each in found)


@pytest.mark.parametrize("places", [[0, 0], [1, 2], [0, True], [0, "1"], [0, None]])
def test_places_that_are_not_those_of_the_texts_are_refused(places: list[Any]) -> None:
    with pytest.raises(Invalid):
        vectors.read({"data": [{"index": each, "embedding": [1.0]} for each in places]}, 2, 1)


def test_an_integer_too_large_for_a_number_is_refused() -> None:
    with pytest.raises(Invalid):
        vectors.read({"data": [{"embedding": [10**400]}]}, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), min_size=1, max_size=60))
def test_what_is_sent_together_is_alike_bounded_and_holds_what_is_due_longest(what: list[tuple[str, int]]) -> None:
    due = [Due(f"mem_{at}", at, "space", 1, maker, tries) for at, (maker, tries) in enumerate(what)]
    wide = SAID.model_copy(update={"dimensions": 4_096})
    found = vectors.together(due, {"a": SAID, "b": wide})
    assert found[0] == due[0] and len({(each.maker, each.tries) for each in found}) == 1
    assert len(found) <= (vectors.MAX_TEXTS if found[0].maker == "a" else vectors.MAX_NUMBERS // 4_096)
    assert len(found) == 1 or not found[0].tries


@given(st.integers(1, 10_000))
def test_rests_grow_and_have_an_end(count: int) -> None:
    assert vectors.item_rest(count) <= vectors.item_rest(count + 1) <= vectors.LONGEST_ITEM_REST
    assert 0 < vectors.endpoint_rest(count) <= vectors.endpoint_rest(count + 1) <= vectors.LONGEST_ENDPOINT_REST


def test_what_is_sent_of_an_item_is_cut_and_begins_as_the_model_wants() -> None:
    said = SAID.model_copy(update={"itemPrefix": "passage: "})
    content = {"title": "Rates", "text": "x" * 200, "data": {"rate": 2}, "task": "ask"}
    assert vectors.text_of(content, said) == "passage: Rates\n" + "x" * 94
    assert vectors.text_of(content | {"text": "are"}, said) == "passage: Rates\nare\nrate\n2\nask"


def test_vectors_are_compared_only_where_they_were_made_alike() -> None:
    same = [SAID.model_copy(update={"newest": 7, "timeout": "1s", "data": ["hr"], "queryPrefix": "q"}), SAID]
    other = [
        SAID.model_copy(update={name: value}) for name, value in (("model", "x"), ("path", "/x"), ("characters", 9))
    ]
    assert len({vectors.maker(each) for each in same}) == 1
    assert len({vectors.maker(each) for each in (*other, SAID)}) == 4
    assert vectors.asking(same[0]) != vectors.asking(SAID)
