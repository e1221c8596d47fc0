// One function that invokes others, plain and durable, by qualified name.
import { InvokeError, withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

export const handler = withDurableExecution(async (event, context) => {
  const plain = await context.invoke("plain", event.plain, { say: "hello" });
  const durable = await context.invoke("durable", event.durable, { n: 20 });
  let failure = null;
  try {
    await context.invoke("failing", event.durable, { n: -1 });
  } catch (error) {
    if (!(error instanceof InvokeError)) throw error;
    failure = error.message;
  }
  return { plain, durable, failure };
});

export const child = withDurableExecution(async (event, context) => {
  if (event.n < 0) throw new Error("n is negative");
  const value = await context.step("first", (step) =>
    noted(context, "first", step.attempt, () => event.n + 1),
  );
  await context.wait("between", { seconds: 1 });
  return await context.step("second", (step) =>
    noted(context, "second", step.attempt, () => value * 2),
  );
});
