"""LangGraph as a process that carries graphs of five steps through. Runs in LangGraph's own virtual environment.

Reads JSON lines (`runs`, `together`) and answers each with `seconds` and the `steps` that were done.
"""

import asyncio
import json
import sys
import time
import uuid
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver  # type: ignore[import-not-found]
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # type: ignore[import-not-found]
from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool  # type: ignore[import-not-found]


class State(TypedDict):
    n: int


async def step(state: State) -> State:
    return {"n": state["n"] + 1}


def graph(saver: Any) -> Any:
    built = StateGraph(State)
    for number in range(5):
        built.add_node(f"s{number}", step)
        built.add_edge(START if number == 0 else f"s{number - 1}", f"s{number}")
    built.add_edge("s4", END)
    return built.compile(checkpointer=saver)


@asynccontextmanager
async def saver_at(url: str) -> Any:
    """A checkpointer on the store, with durable commits."""
    if url.startswith("sqlite"):
        async with AsyncSqliteSaver.from_conn_string(url.removeprefix("sqlite:///")) as saver:
            await saver.setup()
            await saver.conn.execute("PRAGMA synchronous=FULL")
            yield saver
        return
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=16, max_size=16, kwargs=settings) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        yield saver


async def block(app: Any, runs: int, together: int) -> dict[str, float]:
    left, steps = iter(range(runs)), 0

    async def caller() -> None:
        nonlocal steps
        for _ in left:
            config = {"configurable": {"thread_id": uuid.uuid4().hex}}
            done = await app.ainvoke({"n": 0}, config, durability="sync")
            steps += done["n"]

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(together)))
    return {"seconds": time.perf_counter() - started, "steps": steps}


async def main(url: str) -> None:
    async with saver_at(url) as saver:
        app = graph(saver)
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            print(json.dumps(await block(app, asked["runs"], asked["together"])), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
