// Invokes of other functions.
import { give, SECOND, text } from "./common.mjs";

const { ECHO, FAIL, TENANTS } = process.env;

// With a name: without one, an input that is text would be taken for the
// function.
const echo = (context, value, config) =>
  context.invoke("echo", ECHO, value, config);

export const cases = {
  "5-1": (context, value) => echo(context, value),

  "5-2": (context, { name, payload }) => context.invoke(name, ECHO, payload),

  "5-3": (context, value) => echo(context, value),
  "5-4": (context, value) => echo(context, value),
  "5-5": (context) => context.invoke(FAIL, {}),

  "5-6": async (context) => {
    try {
      return await context.invoke(FAIL, {});
    } catch {
      return "fallback";
    }
  },

  // What the update says besides the input counts too.
  "5-7": async (context) => (await echo(context, "x".repeat(700_000))).length,

  "5-8": (context, { tenantId, payload }) =>
    context.invoke("tenant", TENANTS, payload, { tenantId }),

  "5-9": async (context) => {
    const got = await echo(context, "value");
    await context.wait(SECOND);
    return got;
  },

  "5-10": async (context) => {
    try {
      await context.invoke(FAIL, {});
    } catch {
      // As wanted.
    }
    await context.wait(SECOND);
    return "recovered";
  },

  "5-11": async (context) =>
    echo(context, await context.step(give("stepped"))),

  "5-12": async (context) => {
    const got = await echo(context, "value");
    return context.step(give(got));
  },

  "5-13": (context) =>
    context.runInChildContext((child) => echo(child, "value")),

  "5-14": async (context) => {
    const one = await echo(context, "one");
    return [one, await echo(context, "two")];
  },

  "5-15": (context, value) =>
    echo(context, value, {
      payloadSerdes: text(
        (sent) => JSON.stringify(sent).toUpperCase(),
        JSON.parse,
      ),
    }),

  "5-16": (context, value) =>
    echo(context, value, {
      resultSerdes: text(JSON.stringify, (data) => data.toUpperCase()),
    }),
};
