// Lets a blank environment go through a start and an invocation ahead: V8
// compiles each function when it is first called, which would be most of what
// a function's first invocation takes.
//
// A server of this process's own stands in for control, the loop that serves
// events is the real one, and so is the durable SDK of the runtime.  Nothing
// of it may be seen by the function that comes: no timer, listener or global
// stays, and what is imported is known to nobody else.

import net from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import * as fastclient from './fastclient.mjs';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const MOST_MS = 2000;
const TURNS_MOST = 1000;
const EVENT = JSON.stringify({
  DurableExecutionArn: 'arn:aws:lambda:us-east-1:000000000000:function:' +
    'rehearsal:$LATEST/durable-execution/rehearsal/rehearsal',
  CheckpointToken: 'token',
  InitialExecutionState: {
    Operations: [{
      Id: 'rehearsal', Type: 'EXECUTION', Status: 'STARTED',
      StartTimestamp: 1e9, ExecutionDetails: { InputPayload: '{}' },
    }],
    NextMarker: '',
  },
});

function answer(status, body, fields = '') {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${fields}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function event() {
  return answer('200 OK', EVENT,
    'Lambda-Runtime-Aws-Request-Id: rehearsal\r\n' +
    'Lambda-Runtime-Invocation-Id: rehearsal\r\n' +
    `Lambda-Runtime-Deadline-Ms: ${Date.now() + MOST_MS}\r\n` +
    'Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:rehearsal\r\n');
}

/** What a checkpoint of one step is answered with. */
function checkpointed(text) {
  const { Updates } = JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
  return answer('200 OK', JSON.stringify({
    CheckpointToken: 'token',
    NewExecutionState: {
      Operations: Updates.map(({ Id, Name, Type, SubType, Action, Payload }) => ({
        Id, Name, Type, SubType, StartTimestamp: 1e9,
        Status: Action === 'SUCCEED' ? 'SUCCEEDED' : 'STARTED',
        StepDetails: { Attempt: 1, Result: Payload },
      })),
    },
  }));
}

/** Control, as far as one invocation sees it; then it is gone. */
function answerOn(socket) {
  let asked = 0;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const text = data.toString();
    if (text.includes('/checkpoint ')) socket.write(checkpointed(text));
    else if (asked++ === 0) socket.write(event());
    else socket.end(answer('202 Accepted', '{"status":"OK"}'));
  });
}

async function listen(sockets) {
  const server = net.createServer((socket) => {
    sockets.push(socket);
    answerOn(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Remembers timers, to clear them. */
function watchTimers() {
  const usual = Object.getOwnPropertyDescriptor(globalThis, 'setTimeout');
  const timers = [];
  Object.defineProperty(globalThis, 'setTimeout', {
    ...usual, value: (...args) => {
      const timer = usual.value(...args);
      timers.push(timer);
      return timer;
    },
  });
  return () => {
    Object.defineProperty(globalThis, 'setTimeout', usual);
    for (const timer of timers) clearTimeout(timer);
  };
}

/** The handler beside this file, or a plain one where there is no SDK. */
async function handler(load) {
  try {
    return await load(FOLDER, 'rehearsal.handler');
  } catch {
    return async (given) => given;
  }
}

/** Serves one event; nothing that goes wrong here is anybody's concern. */
async function perform(runtime, load) {
  const sockets = [];
  const server = await listen(sockets);
  const address = `127.0.0.1:${server.address().port}`;
  fastclient.rehearseAt(`http://${address}`);
  const late = setTimeout(() => sockets.forEach((s) => s.destroy()), MOST_MS);
  try {
    const act = runtime(address);
    act.handler = await handler(load);
    await act.serve();
  } finally {
    clearTimeout(late);
    fastclient.rehearseAt();
    server.close();
    sockets.forEach((socket) => socket.destroy());
    await gone();
  }
}

/** Until no connection is left, of either side. */
async function gone() {
  const isThere = (name) => name.startsWith('TCP');
  for (let turn = 0; turn < TURNS_MOST &&
      process.getActiveResourcesInfo().some(isThere); turn++) {
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/**
 * `load` is what loads handlers; `runtime(address)` makes the loop that serves
 * them, without what a process has only once.
 */
export async function rehearse(runtime, load) {
  // The time zone is looked for when local time is first asked for.
  new Date(0).getHours();
  const clear = watchTimers();
  try {
    await perform(runtime, load);
  } catch { /* the connection's end is how it ends */ } finally {
    clear();
  }
}
