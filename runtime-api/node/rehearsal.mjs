// The handler of rehearse.mjs.

import { withDurableExecution } from '@aws/durable-execution-sdk-js';

export const handler = withDurableExecution(
  async (event, context) => context.step('rehearsal', async () => event));
