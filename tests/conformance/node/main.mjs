// The function of one requirement: the environment says which.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

import { run } from "./common.mjs";

const suite = await import(`./${process.env.SUITE}.mjs`);
const one = process.env.REQUIREMENT;

const durable = withDurableExecution(
  async (event, context) => suite.cases[one](context, event),
  { plugins: suite.plugins?.[one] ?? [] },
);

export async function handler(event, context) {
  run.first = event.InitialExecutionState.Operations.length === 1;
  return durable(event, context);
}
