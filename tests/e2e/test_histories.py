"""Every program twice: the same history, but for times and ids."""

import concurrent.futures
import json
import re
from urllib.parse import quote
from urllib.request import urlopen

import pytest

import perdure
from test_programs import program  # noqa: F401  the same in both languages

# What a run cannot have in common with another one.
OWN = re.compile(
    rb'("(?:\w*Timestamp)":)[0-9.]+|'
    rb'("(?:RequestId|CallbackId|DurableExecutionArn)":)"[^"]*"'
)


def raw_history(server, arn):
    """The bytes of a whole history, page by page."""
    pages, marker = [], ""
    while True:
        with urlopen(
            f"{server.api}/2025-12-01/durable-executions/{quote(arn, safe='')}"
            f"/history?MaxItems=1000&Marker={marker}",
            timeout=60,
        ) as answer:
            body = answer.read()
        marker = json.loads(body).get("NextMarker", "")
        pages.append(body.replace(marker.encode(), b"") if marker else body)
        if not marker:
            return b"\n".join(pages)


def normal(body):
    return OWN.sub(lambda m: (m.group(1) or m.group(2)) + b'"own"', body)


def by_operation(body):
    """For what happens at the same time: each operation's own events."""
    own = {}
    for page in body.split(b"\n"):
        for event in json.loads(page)["Events"]:
            del event["EventId"]
            # How many ends are seen by one invocation is a matter of time.
            if event["EventType"] != "InvocationCompleted":
                own.setdefault(event.get("Id"), []).append(event)
    return own


# Program, input, how the callback of that name is completed, and how two
# histories compare.
PROGRAMS = {
    "order": ({"order": "A-1", "items": [10, 20, 12]},
              {"approved": True, "by": "eve"}, normal),
    "order rejected": ({"order": "A-2", "items": [1]},
                       {"approved": False}, normal),
    "order failed": ({"order": "A-3", "items": []}, None, normal),
    "approval": ({"document": "plan"}, None, by_operation),
    "vending": ({"item": "tea", "patience": 100}, {"coins": 3}, normal),
    "vending late": ({"item": "tea", "patience": 1}, None, normal),
    "polling": ({"polls": 4}, None, normal),
    "fanout": ({"items": 30}, None, by_operation),
    "nested": ({"depth": 4}, None, normal),
    "chain": ({}, None, normal),
    "saga": ({"missing": "car"}, None, normal),
    "saga whole": ({}, None, normal),
    "big": ({"size": 7_000_000}, None, normal),
    "steps": ({"steps": 200}, None, normal),
}


def test_the_same_history_again(server, lam, program):  # noqa: F811
    functions = {}
    for name in PROGRAMS:
        name = name.split()[0]
        if name not in functions:
            functions[name] = program(f"{name}.handler", memory=512)
    plain = program("plain.handler", durable=None)
    child = program("chain.child")
    reviewer = program("reviewer.handler", durable=None)

    def invoked(name, arn):
        perdure.wait_for(
            lambda: b"InvocationCompleted" in raw_history(server, arn),
            60, f"{name}: an invocation's end",
        )

    def run(name):
        payload, answer, _ = PROGRAMS[name]
        payload = dict(payload)
        if name == "approval":
            payload["reviewer"] = reviewer.name
        if name == "chain":
            payload |= {"plain": plain.qualified, "durable": child.qualified}
        arn = functions[name.split()[0]].start(payload)
        if answer is not None:
            # Once it waits for it, so that it always comes at that point.
            invoked(name, arn)
            lam.send_durable_execution_callback_success(
                CallbackId=perdure.callback_id(server, arn),
                Result=json.dumps(answer).encode(),
            )
        perdure.execution_end(server, arn)
        # A result that is a checkpoint ends it before its invocation ends.
        invoked(name, arn)
        return raw_history(server, arn)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        twice = {
            name: (pool.submit(run, name), pool.submit(run, name))
            for name in PROGRAMS
        }
        for name, runs in twice.items():
            one, two = (run.result(120) for run in runs)
            assert one != two, f"{name}: its ids should differ"
            one, two = normal(one), normal(two)
            assert len(one) > 300
            if PROGRAMS[name][2] is by_operation:
                one, two = by_operation(one), by_operation(two)
            if one != two:
                events = [
                    page.replace(b'{"EventType"', b'\n{"EventType"')
                    for page in (one, two)
                ] if isinstance(one, bytes) else [one, two]
                pytest.fail(f"{name}:\n{events[0]}\n---\n{events[1]}")
