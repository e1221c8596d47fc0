// The workflows of the benchmarks on Restate: node restate_app.mjs PORT
import { createRequire } from "node:module";
const require = createRequire(process.env.PEER_MODULES + "/");
const restate = require("@restatedev/restate-sdk");

const later = (ms) => new Promise((done) => setTimeout(done, ms));

const bench = restate.service({
  name: "bench",
  handlers: {
    steps: async (ctx, event) => {
      for (let n = 0; n < event.steps; n++) {
        await ctx.run("s", async () => n);
      }
      return event.steps;
    },
    slow: async (ctx, event) => {
      for (let n = 0; n < event.steps; n++) {
        await ctx.run("s", async () => { await later(event.ms); return n; });
      }
      return Date.now();
    },
    nap: async (ctx, event) => {
      const ms = Math.max(1, Math.round(event.until - Date.now() / 1000)) * 1000;
      const due = Date.now() + ms;
      await ctx.sleep(ms);
      return Date.now() - due;
    },
  },
});

restate.serve({ services: [bench], port: Number(process.argv[2]) });
