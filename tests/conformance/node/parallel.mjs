// Parallel branches.
import { NestingType } from "@aws/durable-execution-sdk-js";

import {
  fail,
  give,
  LONG,
  numbers,
  oneStep,
  SHORT,
  text,
} from "./common.mjs";

const OK = give("ok");
const BAD = fail;

const run = (context, name, branches, completionConfig, more = {}) =>
  context.parallel(name, branches, {
    maxConcurrency: 1,
    ...(completionConfig ? { completionConfig } : {}),
    ...more,
  });

async function results(...args) {
  return (await run(...args)).getResults();
}

async function told(names, ...args) {
  return numbers(await run(...args), ...names);
}

export const cases = {
  "8-1": (context) =>
    results(context, "parallel", [oneStep("task-1"), oneStep("task-2")]),

  "8-2": async (context) => {
    const branches = [give("alpha"), give("beta")];
    const got = await context.parallel(branches, { maxConcurrency: 1 });
    return got.getResults();
  },

  "8-3": (context) =>
    results(context, "named", [
      { name: "first", func: give("one") },
      { name: "second", func: give("two") },
    ]),

  "8-4": (context) =>
    results(context, "hetero", [give("hello"), give(42), give({ k: "v" })]),

  "8-5": async (context) =>
    (await context.parallel("empty", [])).getResults(),

  "8-6": (context) =>
    told(LONG, context, "failfast", [OK, BAD, OK], {
      toleratedFailureCount: 0,
    }),

  "8-7": async (context) => {
    const got = await run(context, "throwing", [BAD, OK], {
      toleratedFailureCount: 0,
    });
    got.throwIfError();
  },

  "8-8": (context) =>
    told(
      ["completionReason", "successCount", "totalCount"],
      context,
      "min-successful",
      [OK, OK, OK, OK],
      { minSuccessful: 2 },
    ),

  "8-9": (context) =>
    told(LONG, context, "tolerated", [OK, BAD, OK], {
      toleratedFailureCount: 1,
    }),

  "8-10": (context) =>
    told(SHORT, context, "tolerated-exceeded", [BAD, BAD, OK], {
      toleratedFailureCount: 1,
    }),

  "8-11": (context) =>
    results(
      context,
      "concurrent",
      [give("r0"), give("r1"), give("r2")],
      undefined,
      { maxConcurrency: 2 },
    ),

  "8-12": (context) =>
    results(context, "flat", [oneStep("fa"), oneStep("fb")], undefined, {
      nesting: NestingType.FLAT,
    }),

  "8-13": (context) =>
    told(SHORT, context, "tolerated-pct", [BAD, BAD, OK, OK], {
      toleratedFailurePercentage: 25,
    }),

  "8-14": (context) =>
    results(context, "replay", [
      oneStep("b0"),
      async (child) => {
        await child.wait({ seconds: 2 });
        return "b1";
      },
    ]),

  "8-15": (context) =>
    results(context, "serde", [give("x"), give("y")], undefined, {
      itemSerdes: text(
        (value) => JSON.stringify({ wrapped: value }),
        (data) => JSON.parse(data).wrapped,
      ),
    }),

  "8-16": (context) =>
    told(LONG, context, "all-fail", [BAD, BAD, BAD], {
      toleratedFailureCount: 3,
    }),

  "8-17": (context) =>
    told(LONG, context, "min-not-reached", [OK, BAD, OK], {
      minSuccessful: 3,
    }),

  "8-18": (context) =>
    told(SHORT, context, "combined", [BAD, BAD, OK, OK], {
      minSuccessful: 3,
      toleratedFailureCount: 1,
    }),

  "8-19": (context) =>
    results(context, "bad-concurrency", [OK, OK], undefined, {
      maxConcurrency: 0,
    }),

  "8-20": async (context) => {
    const got = await run(context, "accessors", [OK, BAD, OK], {
      toleratedFailureCount: 1,
    });
    return {
      hasFailure: got.hasFailure,
      successCount: got.succeeded().length,
      failureCount: got.failed().length,
      errorCount: got.getErrors().length,
    };
  },

  "8-21": (context) =>
    results(context, "outer", [
      (child) => results(child, "inner", [oneStep("i1"), oneStep("i2")]),
    ]),

  "8-22": (context) =>
    told(LONG, context, "pct-boundary", [BAD, OK, OK, OK], {
      toleratedFailurePercentage: 25,
    }),
};
