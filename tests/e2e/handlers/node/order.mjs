// An order: validate, wait for an approval, process with a flaky service.
import {
  createRetryStrategy,
  JitterStrategy,
  withDurableExecution,
} from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";
import { attemptOf, followAttempts } from "./sdk.mjs";

const once = { retryStrategy: () => ({ shouldRetry: false }) };
const retry = {
  retryStrategy: createRetryStrategy({
    maxAttempts: 3,
    initialDelay: { seconds: 1 },
    backoffRate: 2.0,
    jitter: JitterStrategy.NONE,
  }),
};

export const handler = withDurableExecution(async (event, context) => {
  followAttempts(context);
  const order = await context.step(
    "validate",
    (step) =>
      noted(context, "validate", step.attempt, () => {
        if (!event.items?.length) throw new Error("an order needs items");
        return {
          order: event.order,
          total: event.items.reduce((sum, n) => sum + n, 0),
        };
      }),
    once,
  );
  const approval = JSON.parse(
    await context.waitForCallback("approval", async () => {}, {
      timeout: { minutes: 3 },
    }),
  );
  if (!approval.approved) return { order: order.order, status: "rejected" };
  const processed = await context.step(
    "process",
    (step) =>
      noted(context, "process", step.attempt, () => {
        const attempt = attemptOf(step);
        if (attempt <= (event.failures ?? 2))
          throw new Error(`service is down, attempt ${attempt}`);
        return `processed on attempt ${attempt}`;
      }),
    retry,
  );
  await context.wait("settle", { seconds: 1 });
  const status = await context.step("ship", (step) =>
    noted(context, "ship", step.attempt, () => "shipped"),
  );
  return {
    order: order.order,
    total: order.total,
    by: approval.by,
    processed,
    status,
  };
});
