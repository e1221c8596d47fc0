// Every operation from outside through the typed client.  Writes the names of
// those that answered, one a line; the first that does not ends it.
//
//	outside.mjs ARCHIVE RUNTIME
import { readFileSync } from "node:fs";

import * as sdk from "@aws-sdk/client-lambda";

import { dates } from "./dates.mjs";
import { newer } from "./newer.mjs";

const [archive, Runtime] = process.argv.slice(2);
const ZipFile = readFileSync(archive);
const Role = "arn:aws:iam::000000000000:role/test";
const client = new sdk.LambdaClient({ maxAttempts: 1 });
const until = Date.now() + 120_000;

// Fails when the response cannot be parsed, or has no time where one must be.
async function call(operation, input, least = 0) {
  const got = await client.send(new sdk[`${operation}Command`](input));
  const found = dates(got, operation);
  if (found < least)
    throw new Error(`${operation}: ${found} times, not ${least}`);
  process.stdout.write(`${operation}\n`);
  return got;
}

// The refusal that is expected, as the client's own kind of error.
async function refused(operation, input, kind) {
  try {
    await client.send(new sdk[`${operation}Command`](input));
  } catch (error) {
    if (!(error instanceof sdk[kind])) throw error;
    process.stdout.write(`${operation}\n`);
    return;
  }
  throw new Error(`${operation}: not refused`);
}

// The same by the newest service model.
async function callNewer(operation, input, least = 0) {
  const Newer = newer[operation];
  const got = await client.send(new Newer(input));
  const found = dates(got, operation);
  if (found < least)
    throw new Error(`${operation}: ${found} times, not ${least}`);
  const status = got.$metadata.httpStatusCode;
  if (status !== (operation.startsWith("Get") ? 200 : 202))
    throw new Error(`${operation}: ${status}`);
  process.stdout.write(`${operation}\n`);
  return got;
}

async function waitFor(what, read) {
  for (;;) {
    const got = await read();
    if (got) return got;
    if (Date.now() > until) throw new Error(`${what}: not in time`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function active(FunctionName) {
  await waitFor(`${FunctionName} active`, async () => {
    const got = await call("GetFunctionConfiguration", { FunctionName }, 1);
    return got.State === "Active" && got.LastUpdateStatus === "Successful";
  });
}

// Ends, and what it is then.
function end(DurableExecutionArn, statuses) {
  return waitFor(`${DurableExecutionArn} ${statuses}`, async () => {
    const got = await call("GetDurableExecution", { DurableExecutionArn }, 1);
    return statuses.includes(got.Status) && got;
  });
}

async function functions() {
  await call(
    "CreateFunction",
    {
      FunctionName: "plain",
      Runtime,
      Role,
      Handler: "plain.handler",
      Code: { ZipFile },
      Tags: { a: "b" },
    },
    1,
  );
  await active("plain");
  const durable = {
    Runtime,
    Role,
    Handler: "inside.handler",
    Code: { ZipFile },
    Timeout: 60,
    DurableConfig: { ExecutionTimeout: 600, RetentionPeriodInDays: 1 },
    Environment: { Variables: { PLAIN: "plain" } },
  };
  await call("CreateFunction", { FunctionName: "durable", ...durable }, 1);
  await active("durable");

  await call("UpdateFunctionCode", { FunctionName: "plain", ZipFile }, 1);
  await active("plain");
  await call(
    "UpdateFunctionConfiguration",
    { FunctionName: "plain", Description: "new" },
    1,
  );
  await active("plain");
  const got = await call("GetFunction", { FunctionName: "plain" }, 1);
  const Resource = got.Configuration.FunctionArn;
  await call("TagResource", { Resource, Tags: { c: "d" } });
  await call("UntagResource", { Resource, TagKeys: ["c"] });
  await call("ListTags", { Resource });
  await call("ListFunctions", {}, 2);
  const name = { FunctionName: "plain" };
  const { Version } = await call("PublishVersion", name, 1);
  await call("ListVersionsByFunction", name, 2);
  const alias = { ...name, Name: "live" };
  await call("CreateAlias", { ...alias, FunctionVersion: Version });
  await call("GetAlias", alias);
  await call("ListAliases", name);
  await call("UpdateAlias", { ...alias, Description: "new" });
  await call("DeleteAlias", alias);
  await call("GetAccountSettings", {});

  const retries = { ...name, MaximumRetryAttempts: 1 };
  await call("PutFunctionEventInvokeConfig", retries, 1);
  await call("UpdateFunctionEventInvokeConfig", retries, 1);
  await call("GetFunctionEventInvokeConfig", name, 1);
  await call("ListFunctionEventInvokeConfigs", name, 1);
  await call("DeleteFunctionEventInvokeConfig", name);
  await call("PutFunctionConcurrency", {
    ...name,
    ReservedConcurrentExecutions: 5,
  });
  await call("GetFunctionConcurrency", name);
  await call("DeleteFunctionConcurrency", name);

  await call("AddPermission", {
    ...name,
    StatementId: "s",
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
  });
  const { RevisionId } = await call("GetPolicy", name);
  await call("RemovePermission", { ...name, StatementId: "s", RevisionId });
  await call("PutFunctionRecursionConfig", { ...name, RecursiveLoop: "Allow" });
  await call("GetFunctionRecursionConfig", name);
  await call("PutRuntimeManagementConfig", { ...name, UpdateRuntimeOn: "Auto" });

  await unset(name, Version);

  const said = await call("Invoke", { ...name, LogType: "Tail" });
  if (said.Payload.transformToString() !== '"plain"')
    throw new Error(`Invoke gave ${said.Payload.transformToString()}`);
  await call("Invoke", { ...name, InvocationType: "Event" });
  await call("Invoke", { ...name, InvocationType: "DryRun" });
  await call("InvokeAsync", { ...name, InvokeArgs: Buffer.from("{}") });
}

// What deploy tools ask for and no function has here.
async function unset(name, Qualifier) {
  const version = { ...name, Qualifier };
  await call("GetFunctionCodeSigningConfig", name);
  await call("GetRuntimeManagementConfig", name);
  await call("ListFunctionUrlConfigs", name);
  await call("ListProvisionedConcurrencyConfigs", name);
  await call("ListEventSourceMappings", name);
  await call("ListCapacityProviders", {});
  await call("ListCodeSigningConfigs", {});
  await call("ListLayers", {});
  await call("ListLayerVersions", { LayerName: "none" });
  const missing = "ResourceNotFoundException";
  await refused("GetFunctionUrlConfig", name, missing);
  await refused("UpdateFunctionUrlConfig", name, missing);
  await refused("DeleteFunctionUrlConfig", name, missing);
  await call("DeleteFunctionCodeSigningConfig", name);
  await call("DeleteProvisionedConcurrencyConfig", version);
  const mapping = { UUID: "7d0fd2b5-3a1d-4e4f-8e0c-c0a1d5a4f6b8" };
  for (const verb of ["Get", "Update", "Delete"])
    await refused(`${verb}EventSourceMapping`, mapping, missing);
  const account = "arn:aws:lambda:us-east-1:000000000000";
  const config = {
    CodeSigningConfigArn: `${account}:code-signing-config:csc-${"a".repeat(17)}`,
  };
  for (const verb of ["Get", "Update", "Delete"])
    await refused(`${verb}CodeSigningConfig`, config, missing);
  await refused("ListFunctionsByCodeSigningConfig", config, missing);
  await refused(
    "PutFunctionCodeSigningConfig",
    { ...name, ...config },
    "CodeSigningConfigNotFoundException",
  );
  const layer = { LayerName: "none", VersionNumber: 1 };
  const Arn = `${account}:layer:none:1`;
  await call("DeleteLayerVersion", layer);
  await refused("GetLayerVersion", layer, missing);
  await refused("GetLayerVersionByArn", { Arn }, missing);
  await refused("GetLayerVersionPolicy", layer, missing);
  await refused(
    "AddLayerVersionPermission",
    {
      ...layer,
      StatementId: "s",
      Action: "lambda:GetLayerVersion",
      Principal: "*",
    },
    missing,
  );
  await refused(
    "RemoveLayerVersionPermission",
    { ...layer, StatementId: "s" },
    missing,
  );
  await refused(
    "GetProvisionedConcurrencyConfig",
    version,
    "ProvisionedConcurrencyConfigNotFoundException",
  );
}

async function start() {
  const { DurableExecutionArn } = await call("Invoke", {
    FunctionName: "durable",
    Qualifier: "$LATEST",
    InvocationType: "Event",
    Payload: "{}",
  });
  return { DurableExecutionArn };
}

async function events(arn) {
  const found = [];
  let Marker;
  do {
    const got = await call(
      "GetDurableExecutionHistory",
      { ...arn, MaxItems: 4, IncludeExecutionData: true, Marker },
      1,
    );
    found.push(...got.Events);
    Marker = got.NextMarker;
  } while (Marker);
  return found;
}

function callback(arn, name) {
  return waitFor(`callback ${name}`, async () => {
    const started = (await events(arn)).find(
      (event) => event.EventType === "CallbackStarted" && event.Name === name,
    );
    return started && { CallbackId: started.CallbackStartedDetails.CallbackId };
  });
}

async function executions() {
  const first = await start();
  const good = await callback(first, "good");
  const bad = await callback(first, "bad");
  await call("SendDurableExecutionCallbackHeartbeat", good);
  await call("SendDurableExecutionCallbackSuccess", {
    ...good,
    Result: Buffer.from('"yes"'),
  });
  await call("SendDurableExecutionCallbackFailure", {
    ...bad,
    Error: { ErrorType: "No", ErrorMessage: "no" },
  });
  const got = await end(first.DurableExecutionArn, ["SUCCEEDED", "FAILED"]);
  if (got.Status !== "SUCCEEDED" || !(Number(got.Result) > 15))
    throw new Error(`inside: ${JSON.stringify(got.Error ?? got.Result)}`);
  process.stdout.write("CheckpointDurableExecution\n");
  process.stdout.write("GetDurableExecutionState\n");

  const second = await start();
  await callback(second, "bad");
  await callNewer("PauseDurableExecution", { ...second, Reason: "why" });
  await end(second.DurableExecutionArn, ["PAUSED"]);
  const held = await callNewer("GetDurableExecution", second, 3);
  if (held.PauseDetails.Reason !== "why")
    throw new Error(`PauseDetails: ${JSON.stringify(held.PauseDetails)}`);
  await callNewer("ResumeDurableExecution", second);
  await end(second.DurableExecutionArn, ["RUNNING"]);
  await call("StopDurableExecution", second, 1);
  await end(second.DurableExecutionArn, ["STOPPED"]);
  const { Events } = await callNewer(
    "GetDurableExecutionHistory",
    { ...second, IncludeExecutionData: true },
    1,
  );
  for (const [kind, time] of [
    ["Paused", "PauseRequestTimestamp"],
    ["Resumed", "ResumeRequestTimestamp"],
    ["Stopped", null],
  ]) {
    const type = `Execution${kind}`;
    const event = Events.find(({ EventType }) => EventType === type);
    if (!event?.[`${type}Details`] || (time && !event[`${type}Details`][time]))
      throw new Error(`${type}: ${JSON.stringify(event)}`);
  }

  await call(
    "ListDurableExecutionsByFunction",
    {
      FunctionName: "durable",
      StartedAfter: new Date(Date.now() - 3_600_000),
      Statuses: ["SUCCEEDED", "STOPPED"],
    },
    4,
  );
  await callNewer("DeleteDurableExecution", second, 1);
}

await functions();
await executions();
for (const FunctionName of ["durable", "plain"])
  await call("DeleteFunction", { FunctionName });
