// Many items at once: a map and a parallel over each of them.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  const items = Array.from({ length: event.items }, (_, n) => n);
  const squares = await context.map(
    "squares",
    items,
    async (child, item) => {
      const value = await child.step(`square-${item}`, (step) =>
        noted(context, `square-${item}`, step.attempt, () => item * item),
      );
      if (item % 10 === 0) await child.wait(`rest-${item}`, { seconds: 1 });
      return value;
    },
    { maxConcurrency: 10 },
  );
  const doubles = await context.parallel(
    "doubles",
    items.map(
      (item) => (child) =>
        child.step(`double-${item}`, (step) =>
          noted(context, `double-${item}`, step.attempt, () => 2 * item),
        ),
    ),
    { maxConcurrency: 10 },
  );
  return { squares: squares.getResults(), doubles: doubles.getResults() };
});
