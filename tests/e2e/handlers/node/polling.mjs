// Ask a slow job again and again until it is ready.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  const state = await context.waitForCondition(
    "job",
    (state, check) =>
      noted(context, "check", check.attempt, () => ({
        polls: state.polls + 1,
      })),
    {
      initialState: { polls: 0 },
      waitStrategy: (state) =>
        state.polls >= event.polls
          ? { shouldContinue: false }
          : { shouldContinue: true, delay: { seconds: 1 } },
    },
  );
  return state.polls;
});
