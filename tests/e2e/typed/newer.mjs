// What the newest service model has and the client of today has not, as the
// client's own generator would have written it: its serializers and parsers
// then do the same work for it.
import * as sdk from "@aws-sdk/client-lambda";
import { getEndpointPlugin } from "@smithy/core/endpoints";

const NAMESPACE = "com.amazonaws.lambda";
const TEXT = 0;
const BOOLEAN = 2;
const TIME = 4;
const LABEL = [0, 1];

function structure(name, members, required) {
  return [
    3, NAMESPACE, name, 0,
    Object.keys(members), Object.values(members), required,
  ];
}

// A structure of the client with further members.
function wider([kind, namespace, name, traits, names, types, required], more) {
  const added = Object.keys(more).filter((member) => !names.includes(member));
  return [
    kind, namespace, name, traits,
    [...names, ...added],
    [...types, ...added.map((member) => more[member])],
    required,
  ];
}

function command(name, [method, path, status], input, output) {
  const arn = "{DurableExecutionArn}";
  const http = [method, `/2025-12-01/durable-executions/${arn}${path}`, status];
  const operation = [
    9, NAMESPACE, name, { http }, () => input, () => output,
  ];
  const builtIn = (member) => ({ type: "builtInParams", name: member });
  return sdk.$Command
    .classBuilder()
    .ep({
      UseFIPS: builtIn("useFipsEndpoint"),
      Endpoint: builtIn("endpoint"),
      Region: builtIn("region"),
      UseDualStack: builtIn("useDualstackEndpoint"),
    })
    .m((Command, stack, config) => [
      getEndpointPlugin(config, Command.getEndpointParameterInstructions()),
    ])
    .s("AWSGirApiService", name, {})
    .n("LambdaClient", `${name}Command`)
    .sc(operation)
    .build();
}

const reason = structure("PauseReason", { Payload: TEXT, Truncated: BOOLEAN });
const paused = structure(
  "ExecutionPausedDetails",
  {
    PauseRequestTimestamp: TIME,
    Reason: () => reason,
    ExecutionTimeoutPaused: BOOLEAN,
  },
  2,
);
const resumed = structure(
  "ExecutionResumedDetails",
  { ResumeRequestTimestamp: TIME, Reason: () => reason },
  1,
);
const pauseDetails = structure(
  "PauseDetails",
  {
    PauseRequestTimestamp: TIME,
    ExecutionTimeoutPaused: BOOLEAN,
    Reason: TEXT,
  },
  2,
);
const event = wider(sdk.Event$, {
  ExecutionPausedDetails: () => paused,
  ExecutionResumedDetails: () => resumed,
});
const events = [1, NAMESPACE, "Events", 0, [() => event, 0]];
const history = structure(
  "GetDurableExecutionHistoryResponse",
  { Events: () => events, NextMarker: TEXT },
  1,
);
const execution = wider(sdk.GetDurableExecutionResponse$, {
  PauseDetails: () => pauseDetails,
  ExpectedExecutionTimeoutTimestamp: TIME,
});
const arn = { DurableExecutionArn: LABEL };
const idempotent = [0, 4];

// Requests and answers of these are what the newest model has.
export const newer = {
  DeleteDurableExecution: command(
    "DeleteDurableExecution",
    ["DELETE", "", 202],
    structure("DeleteDurableExecutionRequest", arn, 1),
    structure(
      "DeleteDurableExecutionResponse",
      { DeletionRequestTimestamp: TIME },
      1,
    ),
  ),
  GetDurableExecution: command(
    "GetDurableExecution",
    ["GET", "", 200],
    sdk.GetDurableExecutionRequest$,
    execution,
  ),
  GetDurableExecutionHistory: command(
    "GetDurableExecutionHistory",
    ["GET", "/history", 200],
    sdk.GetDurableExecutionHistoryRequest$,
    history,
  ),
  PauseDurableExecution: command(
    "PauseDurableExecution",
    ["POST", "/pause", 202],
    structure(
      "PauseDurableExecutionRequest",
      {
        ...arn,
        ClientToken: idempotent,
        Reason: TEXT,
        ExecutionTimeoutPaused: BOOLEAN,
      },
      1,
    ),
    structure("PauseDurableExecutionResponse", {}),
  ),
  ResumeDurableExecution: command(
    "ResumeDurableExecution",
    ["POST", "/resume", 202],
    structure(
      "ResumeDurableExecutionRequest",
      { ...arn, ClientToken: idempotent, Reason: TEXT },
      1,
    ),
    structure("ResumeDurableExecutionResponse", {}),
  ),
};
