// Steps: results, retries, crashes.
import { StepSemantics } from "@aws/durable-execution-sdk-js";

import {
  fail,
  failsUntil,
  give,
  NO_RETRY,
  retry,
  SECOND,
  UPPER,
} from "./common.mjs";

class TransientError extends Error {
  name = "TransientError";
}

async function transient(step) {
  if (step.attempt === 1) throw new TransientError("for now");
}

const greet = (value) => give(`Hello, ${value}!`);

// Ends the process in its first attempt, after the line has left it.
function crashes(value, result) {
  return async (step) => {
    step.logger.info(`at most once: ${value}`);
    if (step.attempt > 1) return result;
    process.exit(1);
  };
}

const AT_MOST_ONCE = { semantics: StepSemantics.AtMostOncePerRetry };

export const cases = {
  "1-1": (context, value) => context.step(greet(value)),

  "1-2": (context, value) => context.step("custom_step_name", greet(value)),

  "1-3": async (context) => {
    const first = await context.step(give("first"));
    return context.step(give(`${first}_second`));
  },

  "1-4": (context, { name, tags }) =>
    context.step(give({ user: { name, tags }, count: tags.length })),

  "1-5": (context) => context.step(give(null)),

  "1-6": (context, value) => context.step(give(value), { serdes: UPPER }),

  "1-7": (context, value) =>
    context.step(async (step) => {
      step.logger.info(`Greeting step started for: ${value}`);
      step.logger.info(`Greeting step completed with: Hello, ${value}!`);
      return `Hello, ${value}!`;
    }),

  "1-8": async (context) => {
    const value = await context.step(give("computed"));
    await context.wait({ seconds: 2 });
    return value;
  },

  "1-9": async (context) => {
    const value = await context.step(give("cached_value"));
    await context.wait(SECOND);
    return value;
  },

  "1-10": async (context) => {
    try {
      await context.step(fail, NO_RETRY);
    } catch {
      // As wanted.
    }
    await context.wait(SECOND);
  },

  "1-11": (context) =>
    context.step(failsUntil(2, "Operation succeeded"), retry(3)),

  "1-12": (context) => context.step(fail, retry(4)),

  "1-13": (context) => context.step(failsUntil(3, "done")),

  "1-14": (context) => context.step(failsUntil(3, "done"), retry(5, 2, 3)),

  "1-15": (context) =>
    context.step(transient, retry(3, 1, 1, { types: [TransientError] })),

  "1-16": (context) =>
    context.step(transient, retry(3, 1, 1, { types: [RangeError] })),

  "1-17": (context, value) =>
    context.step("at_most_once_flaky_step", crashes(value), {
      ...NO_RETRY,
      ...AT_MOST_ONCE,
    }),

  "1-18": (context, value) =>
    context.step(
      "at_most_once_flaky_step",
      crashes(value, "succeeded on second attempt"),
      retry(3, 1, 1, AT_MOST_ONCE),
    ),

  "1-19": (context) => context.step(fail, NO_RETRY),

  "1-20": async (context) => {
    try {
      await context.step(fail, NO_RETRY);
    } catch {
      // As wanted.
    }
    return context.step(give("fallback_result"));
  },
};
