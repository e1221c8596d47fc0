// Child contexts inside child contexts.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  const level = async (child, depth) => {
    const found = await child.step(`level-${depth}`, (step) =>
      noted(context, `level-${depth}`, step.attempt, () => [depth]),
    );
    if (depth === event.depth) {
      await child.wait("bottom", { seconds: 1 });
      return found;
    }
    const below = await child.runInChildContext(`below-${depth}`, (next) =>
      level(next, depth + 1),
    );
    return found.concat(below);
  };
  return await context.runInChildContext("top", (top) => level(top, 1));
});
