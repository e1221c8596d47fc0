// What the handlers of all suites share.
import {
  createRetryStrategy,
  JitterStrategy,
} from "@aws/durable-execution-sdk-js";

// first: this invocation is the first of its execution.
export const run = { first: true };

export const SECOND = { seconds: 1 };
export const NO_RETRY = { retryStrategy: () => ({ shouldRetry: false }) };

export function retry(attempts, first = 1, rate = 1, more = {}) {
  const { types, ...config } = more;
  return {
    retryStrategy: createRetryStrategy({
      maxAttempts: attempts,
      initialDelay: { seconds: first },
      backoffRate: rate,
      jitter: JitterStrategy.NONE,
      ...(types ? { retryableErrorTypes: types } : {}),
    }),
    ...config,
  };
}

export async function fail() {
  throw new Error("as the requirement wants it");
}

// A step body that fails before an attempt.
export function failsUntil(attempt, value) {
  return async (step) => {
    if (step.attempt < attempt) await fail();
    return value;
  };
}

// A body that returns the value.
export function give(value) {
  return async () => value;
}

// A branch that runs a single step.
export function oneStep(value) {
  return (child) => child.step(give(value));
}

// What a handler tells of the result of a parallel or a map.
export function numbers(result, ...names) {
  return Object.fromEntries(names.map((name) => [name, result[name]]));
}

export const SHORT = [
  "completionReason",
  "successCount",
  "failureCount",
  "totalCount",
];
export const LONG = ["status", ...SHORT];

// Serializes through two functions of text.
export function text(write, read) {
  return {
    serialize: async (value) => write(value),
    deserialize: async (data) => (data === undefined ? undefined : read(data)),
  };
}

export const UPPER = text(
  (value) => value.toUpperCase(),
  (data) => data,
);
