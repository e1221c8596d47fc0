// Waits.
export const cases = {
  "2-1": async (context) => {
    await context.wait({ seconds: 2 });
    return "Wait completed";
  },

  "2-2": async (context) => {
    await context.wait("custom_wait_name", { seconds: 2 });
    return "Wait completed";
  },

  "2-3": async (context) => {
    await context.wait("wait-1", { seconds: 2 });
    await context.wait("wait-2", { seconds: 2 });
    return { completedWaits: 2 };
  },

  "2-4": (context) => context.wait({ minutes: 1 }),

  "2-5": (context) => context.wait({ hours: 1 }),
};
