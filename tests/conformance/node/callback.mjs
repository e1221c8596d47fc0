// Callbacks that the handler creates itself.
import { give, text } from "./common.mjs";

const timeout = (seconds) => ({ timeout: { seconds } });
const heartbeat = (seconds) => ({ heartbeatTimeout: { seconds } });

async function result(context, name, config) {
  const [promise] = await context.createCallback(name, config);
  return promise;
}

// The promise of a callback, not awaited; its failure is the handler's to see.
async function open(context, name, config) {
  const [promise] = await context.createCallback(name, config);
  return { promise };
}

async function thenStep(context, name, config) {
  const { promise } = await open(context, name, config);
  await context.step(give("step"));
  return promise;
}

async function thenWait(context, name, seconds, config) {
  const { promise } = await open(context, name, config);
  await context.wait({ seconds });
  return promise;
}

async function caughtThenWait(context, name, config) {
  let got;
  try {
    got = await result(context, name, config);
  } catch (error) {
    got = error.message;
  }
  await context.wait({ seconds: 2 });
  return got;
}

export const cases = {
  "4-1": result,
  "4-2": (context) => result(context, "approval"),
  "4-3": (context, name) => result(context, name, timeout(5)),
  "4-4": (context, name) => result(context, name, heartbeat(5)),
  "4-5": (context, name) => result(context, name, heartbeat(10)),
  "4-6": result,
  "4-7": thenStep,
  "4-8": (context, name) => thenStep(context, name, timeout(5)),
  "4-9": (context, name) => thenWait(context, name, 5),
  "4-10": (context, name) => thenWait(context, name, 5),
  "4-11": (context, name) => thenWait(context, name, 6, timeout(3)),

  "4-12": async (context, name) => {
    const got = await result(context, name);
    await context.wait({ seconds: 2 });
    return got;
  },

  "4-13": caughtThenWait,
  "4-14": (context, name) => caughtThenWait(context, name, timeout(3)),

  "4-15": async (context, name) => ({
    received: await result(context, name, {
      serdes: text(JSON.stringify, (data) => {
        const value = JSON.parse(data);
        return { ...value, timestamp: Date.parse(value.timestamp) / 1000 };
      }),
    }),
  }),

  "4-16": async (context, name) => {
    const count = await result(context, name, {
      serdes: text(String, Number),
    });
    return { count, doubled: 2 * count };
  },

  "4-17": async (context, [first, second]) => {
    const got = await result(context, first);
    return [got, await result(context, second)];
  },

  "4-18": async (context, [first, second]) => {
    const a = await open(context, first);
    const b = await open(context, second);
    const got = await a.promise;
    return [got, await b.promise];
  },

  "4-19": async (context, [first, second]) => {
    const a = await open(context, first);
    const b = await open(context, second);
    const got = await b.promise;
    return [await a.promise, got];
  },
};
