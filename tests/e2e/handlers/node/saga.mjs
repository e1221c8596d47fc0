// A journey of three bookings; when one fails the others are undone.
import { StepError, withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";

const noRetry = { retryStrategy: () => ({ shouldRetry: false }) };

export const handler = withDurableExecution(async (event, context) => {
  const act = (name, fails = false) =>
    context.step(
      name,
      (step) =>
        noted(context, name, step.attempt, () => {
          if (fails) throw new Error(`${name}: nothing left`);
          return name;
        }),
      noRetry,
    );

  const booked = [];
  try {
    for (const part of ["flight", "hotel", "car"]) {
      await act(`book-${part}`, part === event.missing);
      booked.push(part);
    }
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const undone = [];
    for (const part of booked.reverse()) undone.push(await act(`cancel-${part}`));
    return { booked: [], undone, because: error.message };
  }
  return { booked, undone: [], because: null };
});
