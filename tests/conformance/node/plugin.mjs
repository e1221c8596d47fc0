// Instrumentation plugins, which write one JSON object a line.
import { fail, failsUntil, NO_RETRY, retry } from "./common.mjs";

// Tells of the hooks it was asked to tell of.
class Plugin {
  constructor(name, hooks, faulty = false) {
    Object.assign(this, { name, hooks, faulty });
  }

  tell(hook, more) {
    if (!this.hooks.includes(hook.split("-")[0])) return;
    const record = {
      plugin: this.name,
      hook,
      ...(this.faulty ? {} : more),
      durableExecutionArn: this.arn,
    };
    // console.log would wrap it.
    process.stdout.write(`${JSON.stringify(record)}\n`);
    if (this.faulty) throw new Error("a plugin that always fails");
  }

  async onInvocationStart(info) {
    this.arn = info.executionArn;
    this.tell("invocation-start", { first: info.isFirstInvocation });
  }

  async onInvocationEnd(info) {
    this.tell("invocation-end", { status: info.status });
  }

  async onOperationStart(info) {
    if (info.type === "STEP") this.tell("operation-start", { op: info.id });
  }

  async onOperationEnd(info) {
    if (info.type === "STEP")
      this.tell("operation-end", { op: info.id, status: info.status });
  }

  async onOperationAttemptStart(info) {
    if (info.type === "STEP")
      this.tell("attempt-start", { n: info.attempt, op: info.id });
  }

  async onOperationAttemptEnd(info) {
    if (info.type === "STEP")
      this.tell("attempt-end", {
        n: info.attempt,
        op: info.id,
        outcome: info.outcome,
      });
  }
}

const LIFE = [new Plugin("CONFPLUGIN", ["invocation"])];

export const plugins = {
  "10-1": LIFE,
  "10-2": [new Plugin("CONFPLUGIN", ["operation"])],
  "10-3": [new Plugin("CONFPLUGIN", ["attempt"])],
  "10-4": [
    new Plugin(
      "CONFPLUGIN-FAULTY",
      ["invocation", "operation", "attempt"],
      true,
    ),
  ],
  "10-5": [
    new Plugin("CONFPLUGIN-A", ["invocation"]),
    new Plugin("CONFPLUGIN-B", ["invocation"]),
  ],
  "10-6": LIFE,
  "10-7": LIFE,
};

const greet = (context, value) =>
  context.step(async (step) => {
    step.logger.info(`Greeting step running for: ${value}`);
    return `Hello, ${value}!`;
  });

export const cases = {
  "10-1": greet,
  "10-2": greet,
  "10-3": (context) =>
    context.step(failsUntil(2, "Operation succeeded"), retry(3)),
  "10-4": greet,
  "10-5": greet,
  "10-6": (context) => context.wait({ seconds: 2 }),
  "10-7": (context) => context.step(fail, NO_RETRY),
};
