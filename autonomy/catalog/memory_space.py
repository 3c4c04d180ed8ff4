"""Memory spaces: what agents may know together, who may read and write it, how long it is kept and what it may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .words import Duration, Name, Path, Share, Strict, Text


class Audience(Strict):
    """Agents by name, by role and by unit (with every unit below it); together they are meant."""

    agents: list[Name] = Field([], max_length=200)
    roles: list[Name] = Field([], max_length=200, description="also people who hold the role")
    units: list[Name] = Field([], max_length=200, description="the unit and every unit below it")


class Embedding(Strict):
    """The endpoint by which texts become vectors, so that items are found by meaning. It is asked by POST with `model`
    and `input`, and answers with `data[].embedding`, as OpenAI's `/v1/embeddings` and most servers of models do."""

    connector: Name = Field(description="the connector, of type `http`, by which the endpoint is reached")
    path: Path = Field("/v1/embeddings", description="where it is asked, after the connector's `baseUrl`")
    query: dict[str, str] = Field({}, max_length=10, description="query parameters of every request")
    model: Text = Field(max_length=200)
    dimensions: int = Field(ge=2, le=4_096, description="how many numbers a vector of the model has")
    data: list[Name | Literal["*"]] = Field(
        [],
        max_length=200,
        description="classes of data that may be sent there, `*` for all; what bears another is found by words alone",
    )
    characters: int = Field(
        2_000, ge=100, le=20_000, description="of an item that are sent: a model reads no more than it was made for"
    )
    newest: int = Field(2_000, ge=1, le=20_000, description="items of the space that are found by meaning: the newest")
    timeout: Duration = Field("2s", description="how long a search waits for it, before it is answered by words alone")
    itemPrefix: str = Field("", max_length=200, description="what the model wants before the text of an item")
    queryPrefix: str = Field("", max_length=200, description="what it wants before a question")
    leastSimilarity: Share | None = Field(
        None, description="what is less like the question is no answer: the cosine, as the model in use has it"
    )


class MemorySpaceSpec(Strict):
    """A shared memory of agents. Nobody else ever learns what is in it, nor what was made of that."""

    owner: Name = Field(description="the person who answers for what is kept here")
    readers: Audience
    writers: Audience
    retention: Duration = Field("365d", description="how long an item is kept")
    freshness: Duration | None = Field(
        None, description="how long a fact counts as fresh; older ones are marked and not reused; always, when absent"
    )
    data: list[Name | Literal["*"]] = Field(
        [], description="classes of data it may hold; `*` for all; none when absent"
    )
    residency: list[Name] = Field([], description="sites whose agents may read and write here; all when empty")
    derived: Literal["readers", "data"] = Field(
        "readers",
        description="who may read what was made of its items elsewhere: only who may read here as well (`readers`), "
        "or whoever may see the classes of data in it (`data`)",
    )
    embedding: Embedding | None = Field(None, description="lets items be found by meaning too; words alone when absent")
