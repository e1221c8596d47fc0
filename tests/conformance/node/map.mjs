// Map over items.
import { NestingType } from "@aws/durable-execution-sdk-js";

import { fail, give, LONG, numbers, SECOND, SHORT, text } from "./common.mjs";

// body takes the item and its index, and the context last.
const run = (context, name, items, body, completionConfig, more = {}) =>
  context.map(
    name,
    items,
    async (child, item, index) => body(item, index, child),
    {
      maxConcurrency: 1,
      ...(completionConfig ? { completionConfig } : {}),
      ...more,
    },
  );

async function results(...args) {
  return (await run(...args)).getResults();
}

async function told(names, ...args) {
  return numbers(await run(...args), ...names);
}

async function same(item) {
  if (item === "bad") await fail();
  return item;
}

const upper = (item) => item.toUpperCase();

// The whole result as text and back.
const WHOLE = text(
  (result) => `OPSERDE:${result.getResults().join(",")}`,
  (data) => {
    const values = data.slice("OPSERDE:".length).split(",");
    return { getResults: () => values };
  },
);

export const cases = {
  "9-1": (context, items) =>
    results(context, "map", items, (item, index, child) =>
      child.step(give(`Hello, ${item}!`)),
    ),

  "9-2": async (context, items) => {
    const got = await context.map(items, async (child, item) => item * 2, {
      maxConcurrency: 1,
    });
    return got.getResults();
  },

  "9-3": (context, items) =>
    results(context, "indexed", items, (item, index) => item + index),

  "9-4": (context, items) => results(context, "empty", items, same),

  "9-5": (context) =>
    told(LONG, context, "failfast", ["ok", "bad", "ok"], same, {
      toleratedFailureCount: 0,
    }),

  "9-6": async (context) => {
    const got = await run(context, "throwing", ["bad", "ok"], same, {
      toleratedFailureCount: 0,
    });
    got.throwIfError();
  },

  "9-7": (context) =>
    told(
      ["completionReason", "successCount", "totalCount"],
      context,
      "min-successful",
      ["ok", "ok", "ok", "ok"],
      same,
      { minSuccessful: 2 },
    ),

  "9-8": (context) =>
    told(LONG, context, "tolerated", ["ok", "bad", "ok"], same, {
      toleratedFailureCount: 1,
    }),

  "9-9": (context) =>
    told(SHORT, context, "tolerated-exceeded", ["bad", "bad", "ok"], same, {
      toleratedFailureCount: 1,
    }),

  "9-10": (context) =>
    told(SHORT, context, "tolerated-pct", ["bad", "bad", "ok", "ok"], same, {
      toleratedFailurePercentage: 25,
    }),

  "9-11": (context) =>
    results(context, "concurrent", ["r0", "r1", "r2"], same, undefined, {
      maxConcurrency: 2,
    }),

  "9-12": (context) =>
    results(
      context,
      "flat",
      ["fa", "fb"],
      (item, index, child) => child.step(give(item)),
      undefined,
      { nesting: NestingType.FLAT },
    ),

  "9-13": (context, items) =>
    results(context, "named-items", items, (item) => item * 10, undefined, {
      itemNamer: (item) => `item-${item}`,
    }),

  "9-14": (context) =>
    results(context, "serdes", ["x", "y"], upper, undefined, {
      itemSerdes: text(
        (value) => `wrapped:${value}`,
        (data) => data.slice("wrapped:".length),
      ),
    }),

  "9-15": (context) =>
    results(
      context,
      "suspend",
      ["r0", "r1"],
      async (item, index, child) => {
        if (index === 1) await child.wait(SECOND);
        return child.step(give(item));
      },
    ),

  "9-16": (context) =>
    told(
      ["successCount", "totalCount"],
      context,
      "large",
      ["a", "b", "c", "d"],
      (item) => item.repeat(70_000),
    ),

  "9-17": async (context) => {
    const got = await results(context, "then-wait", ["a", "b"], upper);
    await context.wait(SECOND);
    return got;
  },

  "9-18": async (context) => {
    const got = await run(context, "fail-then-wait", ["ok", "bad"], same, {
      toleratedFailureCount: 1,
    });
    await context.wait(SECOND);
    return numbers(got, ...LONG);
  },

  "9-19": (context) =>
    results(context, "op-serde", ["x", "y"], upper, undefined, {
      serdes: WHOLE,
    }),

  "9-20": async (context) => {
    const got = await run(
      context,
      "op-serde-replay",
      ["x", "y"],
      upper,
      undefined,
      { serdes: WHOLE },
    );
    await context.wait(SECOND);
    return got.getResults();
  },
};
