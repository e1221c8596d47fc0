// Polling until a condition holds.
import {
  createWaitStrategy,
  JitterStrategy,
} from "@aws/durable-execution-sdk-js";

import { fail, give, text } from "./common.mjs";

// A strategy that polls each so many seconds until done(state).
function until(done, seconds = 1) {
  return (state) =>
    done(state)
      ? { shouldContinue: false }
      : { shouldContinue: true, delay: { seconds } };
}

// Count from `first` until `most`.
function poll(context, most, { first = 0, delay = 1, name } = {}) {
  const config = {
    waitStrategy: until((state) => state >= most, delay),
    initialState: first,
  };
  const check = async (state) => state + 1;
  return name
    ? context.waitForCondition(name, check, config)
    : context.waitForCondition(check, config);
}

const pollBroken = (context) =>
  context.waitForCondition(fail, {
    waitStrategy: until(Boolean),
    initialState: 0,
  });

export const cases = {
  "6-1": (context, value) => poll(context, value),

  "6-2": (context, value) =>
    context.waitForCondition(async (state) => state, {
      waitStrategy: until((state) => state >= 5),
      initialState: value,
    }),

  "6-3": (context, value) => poll(context, value, { name: "poll-status" }),
  "6-4": (context, value) => poll(context, value, { first: 5 }),
  "6-5": (context, value) => poll(context, value, { delay: 2 }),

  "6-6": (context, value) =>
    context.waitForCondition(async (state) => state + 1, {
      waitStrategy: createWaitStrategy({
        shouldContinuePolling: () => true,
        maxAttempts: 3,
        initialDelay: { seconds: 1 },
        backoffRate: 1,
        jitter: JitterStrategy.NONE,
      }),
      initialState: value,
    }),

  "6-7": pollBroken,

  "6-8": async (context) => {
    try {
      return await pollBroken(context);
    } catch {
      return "recovered";
    }
  },

  "6-9": (context) =>
    context.waitForCondition(
      async ({ attempts }) => ({
        status: attempts + 1 === 2 ? "DONE" : "PENDING",
        attempts: attempts + 1,
      }),
      {
        waitStrategy: until(({ status }) => status === "DONE"),
        initialState: { status: "PENDING", attempts: 0 },
      },
    ),

  "6-10": (context) =>
    context.waitForCondition(give(null), {
      waitStrategy: until(() => true),
      initialState: 0,
    }),

  "6-11": (context) =>
    context.waitForCondition(async (state) => `${state}x`, {
      waitStrategy: until((state) => state.length === 2),
      initialState: "",
      serdes: text(
        (state) => `encoded:${state}`,
        (data) => data.slice(8),
      ),
    }),

  "6-12": async (context, value) => {
    const got = await poll(context, value);
    return context.step(give(got * 10));
  },

  "6-13": async (context) =>
    poll(context, 4, { first: await poll(context, 2) }),
};
