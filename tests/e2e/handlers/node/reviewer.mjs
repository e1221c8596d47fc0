// An ordinary function that completes the callback of a durable one.
import {
  LambdaClient,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
} from "@aws-sdk/client-lambda";

export const handler = async (event, context) => {
  const client = new LambdaClient({});
  const CallbackId = event.callback;
  await client.send(
    new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }),
  );
  const verdict = { verdict: "approved", by: context.functionName };
  await client.send(
    new SendDurableExecutionCallbackSuccessCommand({
      CallbackId,
      Result: JSON.stringify(verdict),
    }),
  );
  return "done";
};
