"""The workflows of the benchmarks on Restate; served by hypercorn."""

import asyncio
import time
from datetime import timedelta

import restate

bench = restate.Service("bench")


@bench.handler()
async def steps(ctx: restate.Context, event: dict) -> int:
    for n in range(event["steps"]):
        await ctx.run_typed("s", lambda n=n: n)
    return event["steps"]


@bench.handler()
async def slow(ctx: restate.Context, event: dict) -> int:
    async def step(n):
        await asyncio.sleep(event["ms"] / 1000)
        return n

    for n in range(event["steps"]):
        await ctx.run_typed("s", step, n=n)
    return int(time.time() * 1000)


@bench.handler()
async def nap(ctx: restate.Context, event: dict) -> float:
    seconds = max(1, round(event["until"] - time.time()))
    due = time.time() + seconds
    await ctx.sleep(timedelta(seconds=seconds))
    return (time.time() - due) * 1000


app = restate.app([bench])
