// Child contexts.
import { StepSemantics } from "@aws/durable-execution-sdk-js";

import {
  fail,
  failsUntil,
  give,
  NO_RETRY,
  retry,
  run,
  SECOND,
  UPPER,
} from "./common.mjs";

export const cases = {
  "3-1": (context, value) =>
    context.runInChildContext((child) => child.step(give(value))),

  "3-2": (context, { name, value }) =>
    context.runInChildContext(name, (child) => child.step(give(value))),

  "3-3": (context, value) =>
    context.runInChildContext("child", async (child) => {
      const first = await child.step(give(value));
      return child.step(give(first));
    }),

  "3-4": (context) =>
    context.runInChildContext("child", (child) => child.step(fail, NO_RETRY)),

  "3-5": async (context, value) => {
    try {
      await context.runInChildContext((child) => child.step(fail, NO_RETRY));
    } catch {
      return context.step(give(value));
    }
  },

  "3-6": (context, value) =>
    context.runInChildContext("outer", async (outer) => {
      await outer.step(give(value));
      return outer.runInChildContext("inner", (inner) =>
        inner.step(give(value)),
      );
    }),

  "3-7": (context, value) =>
    context.runInChildContext("child", (child) =>
      child.step(failsUntil(2, value), retry(3)),
    ),

  "3-8": (context) =>
    context.runInChildContext("child", (child) => child.step(fail, retry(2))),

  "3-9": async (context, value) => {
    const got = await context.runInChildContext((child) =>
      child.step(give(value)),
    );
    await context.wait(SECOND);
    return got;
  },

  "3-10": (context, value) =>
    context.runInChildContext("child", async (child) => {
      await child.step(give(value));
      await child.wait(SECOND);
      return value;
    }),

  "3-11": async (context, value) => {
    context.configureLogger({ modeAware: false });
    const got = await context.runInChildContext("child", async (child) => {
      child.configureLogger({ modeAware: false });
      child.logger.info(value);
      await child.step(give("small"));
      return "x".repeat(300_000);
    });
    await context.wait(SECOND);
    return got.length;
  },

  // Only the other semantics waits until its start is recorded, so that the
  // crash surely comes after; the second run is the ordinary one.
  "3-12": (context, value) => {
    const first = run.first;
    return context.runInChildContext((child) =>
      child.step(
        async () => {
          if (first) process.exit(1);
          return value;
        },
        {
          semantics: first
            ? StepSemantics.AtMostOncePerRetry
            : StepSemantics.AtLeastOncePerRetry,
        },
      ),
    );
  },

  "3-13": async (context, value) => {
    const got = await context.runInChildContext("child", async (child) => {
      await child.wait(SECOND);
      return value;
    });
    return context.step(give(got));
  },

  "3-14": (context, value) =>
    context.runInChildContext("child", (child) => child.step(give(value)), {
      serdes: UPPER,
    }),

  "3-15": (context) => context.runInChildContext("child", fail),

  "3-16": (context) => context.runInChildContext("child", give(null)),

  "3-17": async (context, value) => {
    context.configureLogger({ modeAware: false });
    const got = await context.runInChildContext("child", async (child) => {
      child.configureLogger({ modeAware: false });
      child.logger.info(value);
      return value;
    });
    await context.wait(SECOND);
    return got;
  },

  "3-18": async (context, value) => {
    await context.runInChildContext("child", async (child) => {
      await child.step(give(value));
      await child.wait(SECOND);
      return value;
    });
    const got = await context.step(give(value));
    await context.wait(SECOND);
    return got;
  },
};
