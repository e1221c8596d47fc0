// Waiting for a callback that a submitter hands on.
import { fail, give, NO_RETRY, SECOND, text } from "./common.mjs";

const waitFor = (context, name, config = {}, submitter = give(undefined)) =>
  context.waitForCallback(name, submitter, config);

const timeout = { timeout: { seconds: 3 } };
const heartbeat = (seconds) => ({ heartbeatTimeout: { seconds } });

async function caught(context, name, config, instead) {
  try {
    return await waitFor(context, name, config);
  } catch {
    return instead;
  }
}

export const cases = {
  "7-1": (context, name) => waitFor(context, name),
  "7-2": (context) => waitFor(context, "approval"),
  "7-3": (context) => context.waitForCallback(async () => {}),
  "7-4": (context, name) => waitFor(context, name),
  "7-5": (context, name) => waitFor(context, name, timeout),
  "7-6": (context, name) => caught(context, name, {}, "recovered"),

  "7-7": (context, name) =>
    waitFor(
      context,
      name,
      {
        retryStrategy: (error, attempt) =>
          attempt < 2
            ? { shouldRetry: true, delay: SECOND }
            : NO_RETRY.retryStrategy(),
      },
      fail,
    ),

  "7-8": (context, name) =>
    context.runInChildContext("wrapper", (child) => waitFor(child, name)),

  "7-9": async (context) => {
    await waitFor(context, "first");
    return waitFor(context, "second");
  },

  "7-10": async (context, name) => {
    await context.wait(SECOND);
    await context.step(give("data"));
    return waitFor(context, name);
  },

  "7-11": async (context, name) =>
    (
      await waitFor(context, name, {
        serdes: text(JSON.stringify, JSON.parse),
      })
    ).status,

  "7-12": (context, name) => waitFor(context, name, heartbeat(5)),
  "7-13": (context, name) => waitFor(context, name, heartbeat(10)),
  "7-14": (context, name) =>
    caught(context, name, timeout, "timed-out-handled"),
  "7-15": (context, name) => waitFor(context, name),
};
