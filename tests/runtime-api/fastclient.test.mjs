// The short way of the durable SDK for JavaScript, side by side with the
// client that the SDK makes for itself.  Run by test_fastclient_node.py:
// FASTCLIENT is the file under test, SDK_FOLDER holds node_modules.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import module from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { Connection, FastClient, install, wrap } =
  await import(pathToFileURL(process.env.FASTCLIENT));
const NAME = '@aws/durable-execution-sdk-js';
const folder = path.join(process.env.SDK_FOLDER, 'node_modules');
const root = path.join(folder, NAME);
const { version } =
  JSON.parse(fs.readFileSync(path.join(root, 'package.json')));
const sdk = await import(pathToFileURL(path.join(root, 'dist/index.mjs')));

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST' +
  '/durable-execution/n/e-1';
const CUT = Symbol('cut');

// ------------------------------------------------------------- the server

const asked = [];
let answers = [];
let connections = 0;
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    asked.push({
      method: request.method, url: request.url, headers: request.headers,
      body: Buffer.concat(parts).toString(),
    });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === CUT) return request.socket.destroy();
    const [status, headers, body] = answer;
    response.writeHead(status, {
      'Content-Length': Buffer.byteLength(body), ...headers });
    response.end(body);
  });
});
server.on('connection', () => { connections++; });
server.keepAliveTimeout = 60000;
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}`;
Object.assign(process.env, {
  AWS_ENDPOINT_URL_LAMBDA: url, AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b',
});
after(() => {
  server.close();
  server.closeAllConnections();
});

function reset(...list) {
  answers = list;
  asked.length = 0;
}

const ok = (body) => [200, {}, JSON.stringify(body)];
const error = (status, name, message) => [status,
  { 'x-amzn-ErrorType': name }, JSON.stringify({ Type: 'User', message })];

function fast() {
  const made = [];
  const client = new FastClient(new Connection(url, 'agent/1'), () => {
    made.push(new sdk.DurableExecutionApiClient());
    return made[0];
  });
  return { client, made };
}

const checkpoint = (client, more) => client.checkpoint({
  DurableExecutionArn: ARN, CheckpointToken: 't+/1',
  Updates: [{ Id: 'a', Type: 'STEP', Action: 'SUCCEED', Payload: '"ä€"',
    Name: undefined }], ...more });
const state = (client) => client.getExecutionState({
  DurableExecutionArn: ARN, CheckpointToken: 't+/1', Marker: 'm&1',
  MaxItems: 1000 });

const OPERATIONS = [
  { Id: 'a', Type: 'STEP', Status: 'PENDING', StartTimestamp: 1764000000.25,
    EndTimestamp: 1764000001, StepDetails: { Attempt: 1,
      NextAttemptTimestamp: 1764000002.5, Result: '"ä€"' } },
  { Id: 'b', Type: 'WAIT', Status: 'STARTED', StartTimestamp: 1764000000.001,
    WaitDetails: { ScheduledEndTimestamp: 1764000005 } },
];

// ------------------------------------------------------------------- tests

test('results are those of the official client', async () => {
  const { client, made } = fast();
  for (const [call, body] of [
    [checkpoint, { CheckpointToken: 't2',
      NewExecutionState: { Operations: OPERATIONS, NextMarker: 'n' } }],
    [checkpoint, { NewExecutionState: {} }],
    [state, { Operations: OPERATIONS, NextMarker: 'x' }],
  ]) {
    reset(ok(body));
    const mine = await call(client);
    const theirs = await call(new sdk.DurableExecutionApiClient());
    delete mine.$metadata;
    delete theirs.$metadata;
    assert.deepEqual(mine, theirs);
  }
  assert.equal(made.length, 0);
});

test('requests are those of the official client', async () => {
  const { client } = fast();
  reset(ok({ NewExecutionState: {} }));
  for (const one of [client, new sdk.DurableExecutionApiClient()]) {
    await checkpoint(one, { ClientToken: 'c' });
  }
  assert.equal(asked[0].url, asked[1].url);
  assert.deepEqual(JSON.parse(asked[0].body), JSON.parse(asked[1].body));
  assert.equal(asked[0].headers.authorization, undefined);
  assert.equal(asked[0].headers['user-agent'], 'agent/1');
  reset(ok({ Operations: [] }));
  await state(client);
  await state(new sdk.DurableExecutionApiClient());
  const [mine, theirs] = asked.map((one) => new URL(one.url, url));
  assert.equal(mine.pathname, theirs.pathname);
  mine.searchParams.sort();
  theirs.searchParams.sort();
  assert.equal(mine.search, theirs.search);
});

test('one connection is kept, and made again when it was closed', async () => {
  const { client, made } = fast();
  reset(ok({ NewExecutionState: {} }));
  const before = connections;
  await Promise.all(Array.from({ length: 5 }, () => checkpoint(client)));
  assert.equal(connections, before + 1);
  assert.equal(new Set(asked.map((a) => JSON.parse(a.body).ClientToken)).size,
    5);
  const closed = new Promise((done) =>
    client.connection.socket.once('close', done));
  client.connection.socket.ref();
  server.closeIdleConnections();
  await closed;
  await checkpoint(client);
  assert.equal(connections, before + 2);
  reset([200, { Connection: 'close' }, '{"NewExecutionState":{}}']);
  await checkpoint(client);
  await checkpoint(client);
  assert.equal(connections, before + 3);
  assert.equal(made.length, 0);
});

const FAILURES = {
  stale: error(400, 'InvalidParameterValueException',
    'Invalid Checkpoint Token: x'),
  validation: error(400, 'ValidationException', '1 validation error'),
  'not found': error(404, 'ResourceNotFoundException', 'no'),
  throttled: error(429, 'TooManyRequestsException', 'slow'),
  kms: error(502, 'KMSAccessDeniedException', 'no key'),
  service: error(500, 'ServiceException', 'oh'),
  unavailable: [503, {}, '<html>'],
  cut: CUT,
  'not json': [200, {}, '{'],
};

async function failure(call, client) {
  const said = [];
  const logger = { error: (...args) => said.push(args[0]) };
  const one = Object.create(client);
  one.checkpoint = (params) => client.checkpoint(params, logger);
  one.getExecutionState = (params) =>
    client.getExecutionState(params, logger);
  try {
    const got = await call(one);
    delete got.$metadata;
    return got;
  } catch (e) {
    return {
      said, kind: e.constructor.name, name: e.name, message: e.message,
      fault: e.$fault, status: e.$metadata?.httpStatusCode,
      attempts: e.$metadata?.attempts, code: e.code,
    };
  }
}

for (const [what, answer] of Object.entries(FAILURES)) {
  for (const call of [checkpoint, state]) {
    test(`failures are the official client's: ${what} ${call.name}`,
      async () => {
        reset(answer);
        const theirs = await failure(call, new sdk.DurableExecutionApiClient());
        const attempts = asked.length;
        const { client } = fast();
        assert.deepEqual(await failure(call, client), theirs);
        // One more: the first was ours.  All with one client token.
        const mine = asked.slice(attempts);
        assert.equal(mine.length, attempts + 1);
        if (call === checkpoint) {
          assert.equal(new Set(mine.map(
            (a) => JSON.parse(a.body).ClientToken)).size, 1);
        }
      });
  }
}

test('failures that pass are not seen', async () => {
  for (const what of ['throttled', 'service', 'cut']) {
    const { client } = fast();
    reset(FAILURES[what], ok({ CheckpointToken: 't2', NewExecutionState: {} }));
    assert.equal((await checkpoint(client)).CheckpointToken, 't2');
    assert.deepEqual(JSON.parse(asked[0].body), JSON.parse(asked[1].body));
    await checkpoint(client);
    assert.equal(asked[2].headers.authorization, undefined);
  }
});

const EVENT = {
  DurableExecutionArn: ARN, CheckpointToken: 't1',
  UpdatedOperationIds: [],
  InitialExecutionState: { NextMarker: '', Operations: [{
    Id: 'e-1', Type: 'EXECUTION', Status: 'STARTED',
    StartTimestamp: 1764000000000,
    ExecutionDetails: { InputPayload: '{"n":1}' } }] },
};
const CONTEXT = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60000 };
const twoSteps = async (event, context) =>
  await context.step('a', async () => event.n) +
  await context.step('b', async () => 1);
const empty = ok({ CheckpointToken: 't', NewExecutionState: {} });

test('a handler goes the short way', async () => {
  reset(empty);
  const handler = wrap(sdk, version, () => url)(twoSteps);
  assert.deepEqual(await handler(EVENT, CONTEXT),
    { Status: 'SUCCEEDED', Result: '2' });
  assert.ok(asked.length >= 2);
  for (const one of asked) {
    assert.equal(one.headers.authorization, undefined);
    assert.equal(one.headers['user-agent'],
      `aws-durable-execution-sdk-js/${version}`);
  }
});

test('a client that the function names is used', async () => {
  reset(empty);
  let sent = 0;
  const client = { send: async () => {
    sent++;
    return { CheckpointToken: 't', NewExecutionState: {} };
  } };
  const handler = wrap(sdk, version, () => url)(twoSteps, { client });
  assert.equal((await handler(EVENT, CONTEXT)).Result, '2');
  assert.ok(sent >= 2);
  assert.equal(asked.length, 0);
});

test('an event that is none fails as ever', async () => {
  for (const event of [undefined, {}, { CheckpointToken: 't' }]) {
    const why = async (make) => {
      try {
        return await make(twoSteps)(event, CONTEXT);
      } catch (e) {
        return e.message;
      }
    };
    assert.deepEqual(await why(wrap(sdk, version, () => url)),
      await why(sdk.withDurableExecution));
  }
});

test('imports of every kind get it', async () => {
  const task = fs.mkdtempSync(path.join(os.tmpdir(), 'pd-fast-'));
  after(() => fs.rmSync(task, { recursive: true }));
  fs.symlinkSync(folder, path.join(task, 'node_modules'));
  const file = path.join(task, 'app.mjs');
  fs.writeFileSync(file, `
    import * as named from '${NAME}';
    export { named };
    export const loaded = await import('${NAME}');`);
  const said = [];
  install(process.env, (line) => said.push(line));
  const required = module.createRequire(file)(NAME);
  const { named, loaded } = await import(pathToFileURL(file));
  assert.equal(named, loaded);
  assert.deepEqual(said,
    [`durable calls: fast data plane, SDK ${version}`]);
  for (const mine of [required, named]) {
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(sdk).sort());
    reset(empty);
    const handler = mine.withDurableExecution(twoSteps);
    assert.equal((await handler(EVENT, CONTEXT)).Result, '2');
    assert.equal(asked[0].headers.authorization, undefined);
  }
  assert.equal(named.StepError, sdk.StepError);
});
