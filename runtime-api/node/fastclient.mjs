// The short way to Perdure for the durable SDK for JavaScript.
//
// AWS's client is nine tenths of what a durable step costs here.  The SDK
// takes another client from its own configuration, or from the event: this
// gives it one that speaks to the worker's own listener over one kept
// connection.  The SDK's files stay as they are, and only what succeeds goes
// this way: after anything but a clean answer the same call, with the same
// client token, is made again by the client that the SDK would have made for
// itself.  So errors, their members and the retries are the official ones.
//
// Functions import the SDK by its name; `install` makes that import give a
// module that passes all on and adds the client to `withDurableExecution`
// where the function's own code names none.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import module from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SDK = '@aws/durable-execution-sdk-js';
const SWITCH = 'PERDURE_FAST_DATA_PLANE';
const HOOK = Symbol.for('perdure.durable');
const PREFIX = '/2025-12-01/durable-executions/';
const CONNECT_MS = 5000;
const ANSWER_MS = 50000;
const ROOM = 65536;

// Those that tests/e2e/test_programs.py was run with, with this on and off.
const VERSIONS = new Set(['1.0.1', '1.1.1', '1.1.7', '2.0.0', '2.1.0',
  '2.2.0', '2.3.0', '2.3.1', '2.4.0']);
// From this one on a client may stand in the configuration.
const TAKES_CLIENT = new Set(['2.4.0']);

class Refused extends Error {}

/** Where a blank's rehearsal has its server (rehearse.mjs). */
let rehearsal;

// ------------------------------------------------------------- Connection

/**
 * One kept HTTP/1.1 connection, one request at a time.  A step makes one call,
 * so this has no streams between it and the socket, and no timer of a call's
 * own: the socket's counts from what was last heard or said.
 */
export class Connection {
  constructor(url, agent) {
    const { hostname, port } = new URL(url);
    this.peer = { host: hostname, port: Number(port), noDelay: true };
    this.fields = `Host: ${hostname}:${port}\r\nUser-Agent: ${agent}\r\n`;
    this.socket = null;
    this.waiting = null;
    this.queue = [];
    this.room = null;
  }

  /** The text of the answer, if its status is 200. */
  request(method, target, body) {
    return new Promise((resolve, reject) => {
      const call = { method, target, body, resolve, reject };
      if (this.waiting) this.queue.push(call);
      else this.exchange(call);
    });
  }

  exchange(call) {
    const { method, target, body } = call;
    this.waiting = call;
    if (!this.socket) this.open();
    let head = `${method} ${target} HTTP/1.1\r\n${this.fields}`;
    if (body !== undefined) {
      head += 'Content-Type: application/json\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    } else {
      head += '\r\n';
    }
    this.socket.ref();
    this.socket.write(head);
  }

  open() {
    this.room ??= Buffer.allocUnsafeSlow(ROOM);
    const socket = net.connect({ ...this.peer, onread: {
      buffer: this.room,
      callback: (size, data) => {
        if (this.socket === socket) this.take(data.subarray(0, size));
        return true;
      },
    } });
    this.socket = socket;
    this.part = null;
    socket.setTimeout(CONNECT_MS);
    socket.on('connect', () => socket.setTimeout(ANSWER_MS));
    socket.on('timeout', () => {
      if (this.waiting) this.lost(socket, new Refused('too late'));
    });
    socket.on('error', (error) => this.lost(socket, error));
    socket.on('close', () => this.lost(socket, new Refused('closed')));
  }

  lost(socket, error) {
    if (this.socket !== socket) return;
    this.socket = null;
    socket.destroy();
    const { waiting } = this;
    if (!waiting) return;
    this.end();
    waiting.reject(error);
  }

  /** On to the call that came meanwhile. */
  end() {
    this.waiting = null;
    const call = this.queue.shift();
    if (call) this.exchange(call);
  }

  /** `data` is what is written over next time. */
  take(data) {
    const { socket, waiting } = this;
    if (!waiting) return this.lost(socket, new Refused('not asked'));
    if (this.part) data = Buffer.concat([this.part, data]);
    const end = data.indexOf('\r\n\r\n');
    if (end < 0) {
      this.part = Buffer.from(data);
      return;
    }
    const head = data.latin1Slice(0, end);
    const size = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (!head.startsWith('HTTP/1.1 200 ') || size === undefined) {
      return this.lost(socket, new Refused(head.slice(0, 32)));
    }
    const have = data.length - end - 4;
    if (have < Number(size)) {
      this.part = Buffer.from(data);
      return;
    }
    if (have > Number(size)) {
      return this.lost(socket, new Refused('more than was said'));
    }
    this.part = null;
    const text = data.toString('utf8', end + 4);
    socket.unref();
    if (/\r\nconnection: *close/i.test(head)) {
      this.socket = null;
      socket.destroy();
    }
    this.end();
    waiting.resolve(text);
  }
}

// ----------------------------------------------------------------- Client

let digits = '';

/** 32 random digits; to ask for them one by one is dear. */
function clientToken() {
  if (!digits) digits = randomBytes(2048).toString('hex');
  const token = digits.slice(-32);
  digits = digits.slice(0, -32);
  return token;
}

/** Seconds since 1970 to what AWS's client makes of them. */
function times(operations) {
  for (const op of operations) {
    time(op, 'StartTimestamp');
    time(op, 'EndTimestamp');
    if (op.StepDetails) time(op.StepDetails, 'NextAttemptTimestamp');
    if (op.WaitDetails) time(op.WaitDetails, 'ScheduledEndTimestamp');
  }
}

function time(fields, name) {
  const value = fields[name];
  if (value === undefined) return;
  if (typeof value !== 'number') throw new Refused(name);
  fields[name] = new Date(Math.round(value * 1000));
}

/** Has the methods of the SDK's own DurableExecutionApiClient. */
export class FastClient {
  /** `official` makes that one. */
  constructor(connection, official) {
    this.connection = connection;
    this.makeOfficial = official;
    this.official = null;
    this.arn = this.path = null;
  }

  async checkpoint(params, logger) {
    // What the server knows a repetition by.
    const ClientToken = params.ClientToken ?? clientToken();
    try {
      const { CheckpointToken, Updates } = params;
      const answer = await this.call('POST', params, '/checkpoint',
        JSON.stringify({ CheckpointToken, ClientToken, Updates }));
      times(answer.NewExecutionState.Operations ?? []);
      return answer;
    } catch {
      return this.slow().checkpoint({ ...params, ClientToken }, logger);
    }
  }

  async getExecutionState(params, logger) {
    try {
      const query = ['CheckpointToken', 'Marker', 'MaxItems']
        .filter((name) => params[name] !== undefined)
        .map((name) => `${name}=${encodeURIComponent(params[name])}`);
      const answer = await this.call('GET', params,
        '/state?' + query.join('&'));
      times(answer.Operations);
      return answer;
    } catch {
      return this.slow().getExecutionState(params, logger);
    }
  }

  slow() {
    return this.official ??= this.makeOfficial();
  }

  async call(method, params, what, body) {
    const { DurableExecutionArn: arn } = params;
    if (this.arn !== arn) {
      this.path = PREFIX + encodeURIComponent(arn);
      this.arn = arn;
    }
    const text = await this.connection.request(method, this.path + what, body);
    const answer = JSON.parse(text);
    answer.$metadata = {
      httpStatusCode: 200, attempts: 1, totalRetryDelay: 0,
    };
    return answer;
  }
}

// ---------------------------------------------------------------- Install

/**
 * `withDurableExecution` that adds the client where none was named; `where`
 * gives the listener's address when a handler is wrapped.
 */
export function wrap(sdk, version, where) {
  const real = sdk.withDurableExecution;
  const Event = sdk.DurableExecutionInvocationInputWithClient;
  let url = null;
  let client = null;
  const official = () => {
    if (rehearsal) throw new Refused('rehearsal');
    return new sdk.DurableExecutionApiClient();
  };
  return function withDurableExecution(handler, config) {
    if (config?.client || config?.durableExecutionClient) {
      return real(handler, config);
    }
    if (url !== where()) {
      url = where();
      client = new FastClient(new Connection(
        url, `aws-durable-execution-sdk-js/${version}`), official);
    }
    if (TAKES_CLIENT.has(version)) {
      return real(handler, { ...config, durableExecutionClient: client });
    }
    const inner = real(handler, config);
    return async (event, context) => {
      if (!event?.DurableExecutionArn || !event.InitialExecutionState ||
          Event.isInstance(event)) {
        return inner(event, context);
      }
      return inner(Object.assign(new Event(event, client), event), context);
    };
  };
}

/** Until it is called without one, durable calls go there and only there. */
export function rehearseAt(url) {
  rehearsal = url;
  if (!url) delete globalThis[HOOK];
}

/** The SDK's folder, if `url` is its main file. */
function sdkFolder(url) {
  const at = url?.startsWith('file:') ? url.lastIndexOf(`/${SDK}/`) : -1;
  return at < 0 ? null : fileURLToPath(url.slice(0, at + SDK.length + 2));
}

function sdkVersion(folder) {
  return JSON.parse(
    fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
}

/**
 * Beside the real one, as far as anybody who resolves from it can tell; the
 * file does not exist.
 */
function standIn(url, required) {
  return new URL(required ? 'perdure.cjs' : 'perdure.mjs', url).href;
}

function source(url, required) {
  const name = JSON.stringify('./' + path.basename(fileURLToPath(url)));
  const hook = "globalThis[Symbol.for('perdure.durable')]";
  if (required) {
    return `'use strict'; const sdk = require(${name}); module.exports =
      Object.defineProperties({}, Object.getOwnPropertyDescriptors(sdk));
      Object.defineProperty(module.exports, 'withDurableExecution',
        { value: ${hook}(sdk), enumerable: true });`;
  }
  return `import * as sdk from ${name}; export * from ${name};
    export const withDurableExecution = ${hook}(sdk);`;
}

/**
 * `say` gets a line for the log when the SDK is first imported, and again
 * until it took one.  Variables are read then, too: a blank has them late.
 */
export function install(env, say) {
  if (!module.registerHooks) return;
  const where = () => rehearsal ?? env.AWS_ENDPOINT_URL_LAMBDA ?? '';
  const sources = new Map();
  let said = false;
  const line = (text) => {
    said ||= say(`durable calls: ${text}`);
  };
  const decide = (found, required) => {
    const folder = sdkFolder(found.url);
    if (!folder || !/^http:\/\/[\w.-]+:\d+\/?$/.test(where())) return found;
    const off = /^(off|0|false|no)$/i.test(env[SWITCH] ?? '');
    const version = sdkVersion(folder);
    if (off || !VERSIONS.has(version)) {
      line(`AWS's client, ${off ? `${SWITCH} is off`
        : `not tested with SDK ${version}`}`);
      return found;
    }
    line(`fast data plane, SDK ${version}`);
    Object.defineProperty(globalThis, HOOK, {
      value: (sdk) => wrap(sdk, version, where), configurable: true,
    });
    const href = standIn(found.url, required);
    sources.set(href, source(found.url, required));
    return {
      url: href, format: required ? 'commonjs' : 'module', shortCircuit: true,
    };
  };
  module.registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (specifier !== SDK) return found;
      try {
        return decide(found, context.conditions.includes('require'));
      } catch (error) {
        line(`AWS's client (${error.message})`);
        return found;
      }
    },
    load(href, context, next) {
      const text = sources.get(href);
      if (text === undefined) return next(href, context);
      return {
        format: href.endsWith('.cjs') ? 'commonjs' : 'module',
        source: text, shortCircuit: true,
      };
    },
  });
}
