"""One timer among a million executions that sleep: start-up with them, what
control takes in memory and processor time, and how late one that is due ends.

The million are copies of one real execution's rows (without histories)."""

import time

import kit
import postgres
import waits
from kit import perdure

PROGRAM = """
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
export const handler = withDurableExecution(async (event, context) => {
  await context.wait("until", { seconds: event.seconds });
  return Date.now();
});
"""
COPY = """
create table bench_id as
    select n, gen_random_uuid() as id from generate_series(1, {n}) n;
insert into execution ({execution_columns})
    select {execution_values}
    from execution e, bench_id b where e.id = '{id}';
insert into operation ({operation_columns})
    select {operation_values}
    from operation e, bench_id b where e.execution = '{id}';
drop table bench_id;
analyze execution;
analyze operation;
"""


def columns(server, table):
    return postgres.sql(
        server, "select column_name from information_schema.columns where"
        f" table_name = '{table}' and table_schema = current_schema()"
        " order by ordinal_position;").split()


def multiply(server, n):
    """The one execution that sleeps, n times."""
    id_ = postgres.sql(
        server, "select id from execution where wake_at is not null;").strip()
    words = {"n": n, "id": id_}
    for table, other in (
            ("execution", {"id": "b.id", "name": "e.name || '-' || b.n",
                           "arn": "replace(e.arn, e.name, e.name || '-' ||"
                           " b.n)", "wake_at": "e.wake_at + b.n"}),
            ("operation", {"execution": "b.id"})):
        names = columns(server, table)
        words[f"{table}_columns"] = ", ".join(names)
        words[f"{table}_values"] = ", ".join(
            other.get(name, f"e.{name}") for name in names)
    began = time.perf_counter()
    postgres.sql(server, COPY.format(**words))
    return time.perf_counter() - began


def start(server, seconds):
    return perdure.Function(server, "sleeper").start({"seconds": seconds})


def asleep(server, arn):
    return any(e["EventType"] == "InvocationCompleted"
               for e in perdure.history(server, arn))


def late(server, n):
    """Of single waits of 2 s: until the event, and until the worker."""
    found = []
    for _ in range(n):
        found.append(waits.lateness(server, start(server, 2)))
    return {name: kit.spread(values)
            for name, values in zip(("event", "worker"), zip(*found))}


def idle(server, seconds):
    """Share of a processor that control takes."""
    pid = [server.control_pid()]
    before = kit.cpu(pid)
    time.sleep(seconds)
    return (kit.cpu(pid) - before) / seconds * 100


def measure(options):
    if not perdure.node_runtimes():
        return None
    n = 2000 if options.quick else 1000000
    rounds = options.rounds or (1 if options.quick else 5)
    found = {"sleeping": n}
    with kit.daemon() as server:
        kit.deploy(server, "sleeper", "app.handler", language="node",
                   code=kit.archive("node", PROGRAM),
                   durable={"ExecutionTimeout": 86400 * 7})
        arn = start(server, 86400)
        perdure.wait_for(lambda: asleep(server, arn), 30, "sleep")
        found["without"] = {
            "control_mib": kit.memory_mib([server.control_pid()]),
            "control_cpu_percent": round(
                idle(server, 1 if options.quick else 5), 2),
            "late": late(server, 3 if options.quick else 10)}
        found["copied_s"] = round(multiply(server, n), 1)
        ready, cpu, memory, waiting = [], [], [], []
        for _ in range(rounds):
            server.stop()
            began = time.perf_counter()
            server.start()
            ready.append((time.perf_counter() - began) * 1000)
            cpu.append(idle(server, 1 if options.quick else 5))
            waiting.append(late(server, 2 if options.quick else 5))
            memory.append(kit.memory_mib([server.control_pid()]))
    found["with"] = {
        "start_ms": kit.middle(ready), "control_cpu_percent": kit.middle(cpu),
        "control_mib": kit.middle(memory),
        **{f"late_{what}_ms": kit.middle([one[what]["p50_ms"]
                                          for one in waiting])
           for what in ("event", "worker")}}
    return found


def tables(result):
    rows = [(f"one timer among {result['sleeping']}", "")]
    rows += [(name, kit.show(value)) for name, value in result["with"].items()]
    bare = result["without"]
    rows += [("without them: control_mib", bare["control_mib"]),
             ("without them: control_cpu_percent",
              bare["control_cpu_percent"]),
             ("without them: late_event_ms", bare["late"]["event"]["p50_ms"])]
    yield kit.table(rows)


def verdicts(result):
    return [
        (f"one timer among {result['sleeping']}: {name}", f"<= {most}",
         kit.show(result["with"][name]),
         "held" if result["with"][name]["median"] <= most else "not held")
        for name, most in (("late_event_ms", 3), ("control_cpu_percent", 1),
                           ("control_mib", 64), ("start_ms", 2000))]
