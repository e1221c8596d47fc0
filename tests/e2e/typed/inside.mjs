// A durable function without the SDK: the two operations that only an
// invocation can call, through the typed client.
import {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionStateCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";

import { dates } from "./dates.mjs";

const OPEN = [
  { Id: "context", Type: "CONTEXT", Action: "START" },
  { Id: "step", Type: "STEP", Action: "START", ParentId: "context" },
  { Id: "retry", Type: "STEP", Action: "START" },
  {
    Id: "wait",
    Type: "WAIT",
    Action: "START",
    WaitOptions: { WaitSeconds: 1 },
  },
  {
    Id: "good",
    Name: "good",
    Type: "CALLBACK",
    Action: "START",
    CallbackOptions: { TimeoutSeconds: 600, HeartbeatTimeoutSeconds: 500 },
  },
  { Id: "bad", Name: "bad", Type: "CALLBACK", Action: "START" },
  {
    Id: "invoke",
    Type: "CHAINED_INVOKE",
    Action: "START",
    ChainedInvokeOptions: { FunctionName: process.env.PLAIN },
    Payload: "{}",
  },
];

const CLOSE = [
  { Id: "step", Type: "STEP", Action: "SUCCEED", ParentId: "context" },
  { Id: "context", Type: "CONTEXT", Action: "SUCCEED", Payload: "1" },
  {
    Id: "retry",
    Type: "STEP",
    Action: "RETRY",
    Error: { ErrorType: "E", ErrorMessage: "m", StackTrace: ["line"] },
    StepOptions: { NextAttemptDelaySeconds: 1 },
  },
];

// What a checkpoint's answer without a token asks for: end with PENDING.
const CUT_OFF = Symbol("a pause took the token away");

// Everything for the first time; what was found is the result of a step.
async function begin(event) {
  const client = new LambdaClient({ maxAttempts: 1 });
  const arn = event.DurableExecutionArn;
  let token = event.CheckpointToken;
  let found = 0;
  const checkpoint = async (Updates) => {
    const got = await client.send(
      new CheckpointDurableExecutionCommand({
        DurableExecutionArn: arn,
        CheckpointToken: token,
        Updates,
      }),
    );
    found += dates(got, "CheckpointDurableExecution");
    token = got.CheckpointToken;
    if (token === undefined) throw CUT_OFF;
  };
  await checkpoint(OPEN);
  await checkpoint(CLOSE);
  let Marker;
  do {
    const got = await client.send(
      new GetDurableExecutionStateCommand({
        DurableExecutionArn: arn,
        CheckpointToken: token,
        MaxItems: 3,
        Marker,
      }),
    );
    found += dates(got, "GetDurableExecutionState");
    Marker = got.NextMarker;
  } while (Marker);
  await checkpoint([
    { Id: "told", Type: "STEP", Action: "START" },
    { Id: "told", Type: "STEP", Action: "SUCCEED", Payload: `${found}` },
  ]);
}

export async function handler(event) {
  const operations = event.InitialExecutionState.Operations;
  if (operations.length === 1) {
    try {
      await begin(event);
    } catch (error) {
      if (error === CUT_OFF) return { Status: "PENDING" };
      return {
        Status: "FAILED",
        Error: { ErrorType: error.name, ErrorMessage: error.message },
      };
    }
    return { Status: "PENDING" };
  }
  const open = operations.some(
    ({ Type, Status }) => Type === "CALLBACK" && Status === "STARTED",
  );
  if (open) return { Status: "PENDING" };
  const told = operations.find(({ Id }) => Id === "told");
  return { Status: "SUCCEEDED", Result: told.StepDetails.Result };
}
