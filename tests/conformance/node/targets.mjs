// Functions that others invoke.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

export const echo = withDurableExecution(async (event) => event);

export const broken = withDurableExecution(async () => {
  throw new Error("as asked");
});
