// A durable function that waits for another one.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

export const parent = withDurableExecution(
  async (event, context) =>
    await context.invoke("child", process.env.CHILD, { n: 20 }),
);
