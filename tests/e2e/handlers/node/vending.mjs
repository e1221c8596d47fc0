// A vending machine: reserve, take payment, dispense once or refund.
import { StepSemantics, withDurableExecution } from "@aws/durable-execution-sdk-js";

import { noted } from "./ledger.mjs";
import { isCallbackTimeout } from "./sdk.mjs";

const atMostOnce = {
  retryStrategy: () => ({ shouldRetry: false }),
  semantics: StepSemantics.AtMostOncePerRetry,
};

export const handler = withDurableExecution(async (event, context) => {
  const act = (name, value, config) =>
    context.step(
      name,
      (step) => noted(context, name, step.attempt, () => value),
      config,
    );

  const slot = await act("reserve", `slot of ${event.item}`);
  let coins;
  try {
    coins = await context.waitForCallback("payment", async () => {}, {
      timeout: { seconds: event.patience },
    });
  } catch (error) {
    if (!isCallbackTimeout(error)) throw error;
    await act("release", slot);
    return { dispensed: null, refund: await act("refund", true) };
  }
  return {
    dispensed: await act("dispense", event.item, atMostOnce),
    paid: JSON.parse(coins).coins,
    refund: false,
  };
});
