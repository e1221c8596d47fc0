// A result that does not fit into an answer of the Runtime API.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

export const handler = withDurableExecution(async (event, context) => {
  const size = await context.step("size", async () => event.size);
  return { size, data: "x".repeat(size) };
});
