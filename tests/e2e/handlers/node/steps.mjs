// Many steps one after another.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  let total = 0;
  for (let n = 0; n < event.steps; n++) {
    total += await context.step(`step-${n}`, (step) =>
      noted(context, `step-${n}`, step.attempt, () => n),
    );
  }
  return total;
});
