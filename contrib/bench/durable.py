"""Executions of 1, 10 and 100 steps by 1, 8 and 32 callers: the daemon with
AWS's clients (official) and its short way (fast), the SDK alone against a
server that answers at once (floor), or after a commit (floor + commits), and the peers, in turn in each round."""

import contextlib
import json
import os
import statistics
import time

import floor
import kit
import load
import postgres
from kit import perdure
from peer import embedded, ministack, restate

STEPS = (1, 10, 100)
CALLERS = (1, 8, 32)
# What the default is for one function, and room for all of them: with less
# each row would begin with the end of another row's environments.
WORKERS = 8 * os.cpu_count()
SETTINGS = ("--set", f"workers.per_function={WORKERS}",
            "--set", f"workers.max_concurrency={WORKERS * 4 + 2}")
# A row that takes long is not repeated more often.
SLOW_ROUNDS = 2
SLOW_S = 5
# Code is compiled as it is used: AWS's client for JavaScript takes some
# thousand steps until it is as fast as it gets, in each environment.
WARM_STEPS = 100
WARM_S = 4
WARM_SHARED_S = 12
# Of many callers the first and the last executions have fewer beside them.
SECONDS = 0.6
SECONDS_SHARED = 2.5


class Subject:
    """One that runs `drive(steps, callers, n)`."""

    def __init__(self, drive, engine=None, callers=CALLERS):
        self.drive, self.engine, self.callers = drive, engine, callers
        self.n = {}

    def warm(self, seconds, callers=1):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.drive(WARM_STEPS, callers, callers)

    def round(self, steps, callers, seconds):
        """One repetition of about so many seconds."""
        if (steps, callers) not in self.n:
            # The first run brings processes up, the second tells the pace.
            self.drive(steps, callers, callers)
            whole, _ = self.drive(steps, callers, callers)
            self.n[steps, callers] = max(
                callers, 5, int(seconds * callers / whole))
        n = self.n[steps, callers]
        before = kit.cpu(self.engine()) if self.engine else None
        whole, took = self.drive(steps, callers, n)
        found = {
            "seconds": whole,
            "p50_ms": statistics.median(took) * 1000,
            "per_s": n / whole,
            "steps_per_s": n * steps / whole,
        }
        if before is not None:
            spent = kit.cpu(self.engine()) - before
            found["engine_cpu_a_step_ms"] = spent * 1000 / (n * steps)
        return found


def ours(server, name):
    where = kit.address(server)
    path = kit.LAMBDA % name + "?Qualifier=$LATEST"

    def drive(steps, callers, n):
        body = json.dumps({"steps": steps}).encode()
        return load.drive(
            where, load.request(where, path, body), callers, n)

    return drive


def alone(process):
    def drive(steps, _, n):
        began = time.perf_counter()
        took = [process.run(steps) for _ in range(n)]
        return time.perf_counter() - began, took

    return drive


def subjects(stack, server, options):
    """{name: Subject}, all of them up."""
    found = {}
    commit = postgres.Committer(server)
    stack.callback(commit.close)
    for language in kit.languages():
        for row in ("official", "fast"):
            for more, call in (("", None), (" + commits", commit)):
                process = floor.Process(language, row == "fast", commit=call)
                stack.callback(process.close)
                found[f"floor {language} {row}{more}"] = Subject(
                    alone(process), callers=(1,))
            name = kit.deploy_steps(server, language, row == "fast")
            found[f"perdure {language} {row}"] = Subject(
                ours(server, name), lambda: kit.engine_pids(server))
    if not options.peers:
        return found
    for language in kit.languages():
        if restate.there(language):
            one = stack.enter_context(restate.Restate(language))
            found[f"restate {language}"] = Subject(one.drive, one.engine_pids)
    for name in ("absurd", "dbos"):
        if kit.have_peer(name):
            one = stack.enter_context(embedded.Embedded(name))
            found[name] = Subject(one.drive, one.engine_pids)
    if ministack.there():
        one = stack.enter_context(ministack.MiniStack())
        for language in kit.languages():
            name = f"steps-{language}"
            one.deploy(name, "app.handler", kit.steps_archive(language),
                       language, durable=True)
            found[f"ministack {language}"] = Subject(
                lambda steps, callers, n, name=name: one.drive(
                    name, {"steps": steps}, callers, n))
    return found


def is_slow(seen):
    return seen and seen[-1]["seconds"] > SLOW_S


def measure(options):
    rounds = options.rounds or (1 if options.quick else 5)
    all_callers = options.callers or ((1, 2) if options.quick else CALLERS)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(kit.daemon(args=SETTINGS))
        commit = postgres.commit_ms(server, options.quick)
        rows = {
            name: row for name, row in subjects(stack, server, options).items()
            if not options.only or any(
                word in name for word in options.only.split(","))
        }
        for row in () if options.quick else rows.values():
            row.warm(WARM_S)
            most = max(set(row.callers) & set(all_callers), default=1)
            if most > 1:
                row.warm(WARM_SHARED_S, most)
        found = {}
        for steps in options.steps or STEPS[:2 if options.quick else 3]:
            for callers in all_callers:
                seconds = (0.1 if options.quick else SECONDS if callers == 1
                           else SECONDS_SHARED)
                cell = {name: [] for name, row in rows.items()
                        if callers in row.callers or options.quick
                        and not name.startswith("floor")}
                for turn in range(rounds):
                    for name, seen in cell.items():
                        if turn < SLOW_ROUNDS or not is_slow(seen):
                            seen.append(rows[name].round(
                                steps, callers, seconds))
                where = f"{steps} steps, {callers} callers"
                found[where] = {
                    name: {key: kit.middle([s[key] for s in seen])
                           for key in seen[0] if key != "seconds"}
                    for name, seen in cell.items()
                }
                perdure.say("\n" + cell_table(where, found[where]))
    return {"commit_ms": commit, "cells": found}


def cell_table(cell, rows):
    lines = [(cell, "p50 ms", "a second", "steps a second",
              "engine CPU a step, ms")]
    for name, row in rows.items():
        lines.append((name, kit.show(row["p50_ms"]), kit.show(row["per_s"]),
                      kit.show(row["steps_per_s"]),
                      kit.show(row.get("engine_cpu_a_step_ms"))))
    return kit.table(lines)


def tables(result):
    """None: each cell was told as it was there."""
    del result
    return []


class Verdicts:
    """What the figures must be, read from the cells that were measured."""

    def __init__(self, result):
        self.commit = result["commit_ms"]
        self.cells = result["cells"]
        self.lines = []

    def get(self, steps, callers, name, key="p50_ms"):
        row = self.cells.get(f"{steps} steps, {callers} callers", {}).get(name)
        return row and row[key]["median"]

    def add(self, what, mine, must, limit, other, at_least=False):
        """mine against must, which is limit times other."""
        if mine is None or other is None:
            return
        ratio = mine / other
        held = ratio >= limit if at_least else ratio <= limit
        self.lines.append((
            what, must, f"{ratio:.2f} x ({mine:.4g} to {other:.4g})",
            "held" if held else "not held"))


def verdicts(result):
    v = Verdicts(result)
    for language in ("python", "node"):
        for steps in STEPS:
            ground = v.get(steps, 1, f"floor {language} official")
            v.add(f"{language}, official client, {steps} steps",
                  v.get(steps, 1, f"perdure {language} official"),
                  "<= 1.15 x (floor + a commit a step)", 1.15,
                  ground and ground + steps * v.commit)
            v.add(f"{language}, official client, {steps} steps",
                  v.get(steps, 1, f"perdure {language} official"),
                  "<= 1.15 x floor that commits each step", 1.15,
                  v.get(steps, 1, f"floor {language} official + commits"))
            limit = ({1: 0.10, 10: 0.15, 100: 0.30} if language == "python"
                     else {10: 0.75, 100: 0.75}).get(steps)
            if limit:
                v.add(f"{language}, fast data plane, {steps} steps",
                      v.get(steps, 1, f"perdure {language} fast"),
                      f"<= {limit} x official floor", limit, ground)
    for language in ("python", "node"):
        for peer in (f"restate {language}", "absurd"):
            both = [[v.get(n, 1, name) for n in (1, 10)] for name in (
                f"perdure {language} fast", peer)]
            if all(value is not None for one in both for value in one):
                mine, other = ((ten - one) / 9 for one, ten in both)
                v.add(f"{language}, a step of 10, against {peer}", mine,
                      "<= 1 x", 1.0, other)
    for what, steps, language, limit, peer in (
            ("steps a second, 100 steps, 32 callers", 100, "node", 1.0,
             "restate node"),
            ("steps a second, 100 steps, 32 callers", 100, "python", 1.2,
             "restate python"),
            ("steps a second, 100 steps, 32 callers", 100, "python", 6,
             "ministack python"),
            ("executions a second, 1 step, 32 callers", 1, "node", 1.1,
             "restate node"),
            ("executions a second, 1 step, 32 callers", 1, "python", 4,
             "ministack python")):
        v.add(f"{language}, {what}, against {peer}",
              v.get(steps, 32, f"perdure {language} fast", "steps_per_s"),
              f">= {limit} x", limit,
              v.get(steps, 32, peer, "steps_per_s"), at_least=True)
    cpu = "engine_cpu_a_step_ms"
    mine = v.get(100, 32, "perdure node fast", cpu)
    v.add("CPU of control and Postgres a step, node, 100 steps, 32 callers",
          mine, "<= 0.67 x Restate's", 0.67,
          v.get(100, 32, "restate node", cpu))
    return v.lines
