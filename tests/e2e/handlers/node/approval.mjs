// A document waits up to a day for its reviewer, who is another function.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  const [review, callback] = await context.createCallback("review", {
    timeout: { hours: 24 },
    heartbeatTimeout: { hours: 2 },
  });
  await context.step("ask", (step) =>
    noted(context, "ask", step.attempt, async () => {
      await new LambdaClient({}).send(
        new InvokeCommand({
          FunctionName: event.reviewer,
          InvocationType: "Event",
          Payload: JSON.stringify({ callback, document: event.document }),
        }),
      );
      return "asked";
    }),
  );
  const { verdict } = JSON.parse(await review);
  return await context.step("publish", (step) =>
    noted(
      context,
      "publish",
      step.attempt,
      () => `${event.document} is ${verdict}`,
    ),
  );
});
