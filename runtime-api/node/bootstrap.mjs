// Runtime client for Node.js functions: reads events from the Runtime API,
// calls the handler and posts what it returned.
//
// Needs nothing but Node's own modules (20 and later) and what lies beside
// it.  What it reads and promises is written in runtime-api/README.md.

import fs from 'node:fs';
import module from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import util from 'node:util';

import * as blank from './blank.mjs';
import * as fastclient from './fastclient.mjs';
import { rehearse } from './rehearse.mjs';

const API = '/2018-06-01/runtime/';
const WARM = '/var/warm/node';
const ROOM = 65536;
const ASKS_MOST = 65536;
const EMPTY = Buffer.alloc(0);
const MAJOR = parseInt(process.versions.node, 10);
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for(
  'aws.lambda.runtime.handler.streaming.highWaterMark');
const CALLBACK_REMOVED = 'ERROR: AWS Lambda has removed support for ' +
  'callback-based function handlers starting with Node.js 24. You need to ' +
  'modify this function to use a supported handler signature to use ' +
  'Node.js 24 or later. For more information see ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
const NEVER_SETTLED = 'The Lambda runtime client detected an unexpected ' +
  'Node.js exit code. This is most commonly caused by a Promise that was ' +
  'never settled. For more information, see ' +
  'https://nodejs.org/docs/latest/api/process.html#exit-codes';

// ---------------------------------------------------------------- Errors

class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = 'Runtime.' + kind;
  }
}

const isError = (e) => e instanceof Error || util.types.isNativeError(e);
const noDel = (text) => text?.replaceAll('\x7F', '%7F');

/** What the Runtime API is told. */
function formatError(error) {
  try {
    if (!isError(error)) {
      return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    return {
      errorType: noDel(error.name),
      errorMessage: noDel(error.message),
      trace: noDel(error.stack)?.split('\n') ?? [],
    };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a ' +
        'problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

/** What the log is told: the same and the error's own members. */
function describeError(error) {
  const expand = (_, value) => {
    if (!isError(value)) return value;
    const shown = {
      errorType: value.name, errorMessage: value.message, code: value.code,
      ...value,
    };
    if (typeof value.stack === 'string') shown.stack = value.stack.split('\n');
    return shown;
  };
  try {
    return JSON.stringify(error, expand);
  } catch {
    return JSON.stringify(formatError(error));
  }
}

// ----------------------------------------------------------- Runtime API

/**
 * One kept HTTP/1.1 connection without time-outs.  Answers come in the order
 * of the requests.
 */
class Connection {
  constructor(address) {
    const [host, port, ...more] = address.split(':');
    if (!host || !/^\d+$/.test(port ?? '') || more.length) {
      throw new Fault('PlatformError', `Invalid hostnamePort: ${address}`);
    }
    this.address = address;
    this.peer = { host, port: Number(port), noDelay: true };
    this.socket = null;
    this.waiting = [];
    this.room = null;
  }

  head(method, url, fields = '', body = null) {
    const length = body === null
      ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    return `${method} ${API}${url} HTTP/1.1\r\n` +
      `Host: ${this.address}\r\n${fields}${length}\r\n`;
  }

  /**
   * A promise of { status, headers, body } for each of `count` requests in
   * what is written; null: the connection was closed in order before it.
   */
  send(count, head, body = null, more = '') {
    if (!this.socket) this.open();
    const { socket } = this;
    socket.ref();
    const answers = [];
    while (count-- > 0) {
      answers.push(new Promise((resolve, reject) => {
        this.waiting.push({ resolve, reject });
      }));
    }
    if (typeof body === 'string' || body === null) {
      socket.write(head + (body ?? '') + more);
    } else {
      socket.cork();
      socket.write(head);
      socket.write(body);
      if (more) socket.write(more);
      socket.uncork();
    }
    return answers;
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
    this.chunks = [];
    this.size = 0;
    this.answer = null;
    socket.on('error', (error) => this.lost(socket, error));
    socket.on('close', () => this.lost(socket,
      new Error('the Runtime API closed the connection')));
  }

  lost(socket, error) {
    if (this.socket !== socket) return;
    this.socket = null;
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  /** `data` is written over next time. */
  take(data) {
    while (data.length && this.socket) data = this.takeOne(data);
  }

  /** At most one answer; what is behind it. */
  takeOne(data) {
    if (this.chunks.length) {
      this.chunks.push(Buffer.from(data));
      this.size += data.length;
      if (this.answer && this.size < this.answer.size) return EMPTY;
      data = Buffer.concat(this.chunks);
      this.chunks = [];
    }
    if (!this.answer) {
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return this.keep(data);
      this.answer = parseHead(data.toString('utf8', 0, end));
      data = data.subarray(end + 4);
    }
    const { status, headers, size } = this.answer;
    if (data.length < size) return this.keep(data);
    this.answer = null;
    const body = data.toString('utf8', 0, size);
    const { waiting } = this;
    const one = waiting.shift();
    // The loop must be able to run empty while the handler works.
    if (!waiting.length) this.socket.unref();
    if (headers.connection?.toLowerCase() === 'close') {
      const old = this.socket;
      this.socket = null;
      old.end();
      for (const { resolve } of waiting.splice(0)) resolve(null);
    }
    one?.resolve({ status, headers, body });
    return data.subarray(size);
  }

  keep(data) {
    if (data.length || !this.answer) this.chunks.push(Buffer.from(data));
    this.size = data.length;
    return EMPTY;
  }
}

function parseHead(text) {
  const lines = text.split('\r\n');
  const headers = {};
  for (let i = 1; i < lines.length; i++) {
    const colon = lines[i].indexOf(':');
    headers[lines[i].slice(0, colon).toLowerCase()] =
      lines[i].slice(colon + 1).trim();
  }
  return {
    status: Number(lines[0].split(' ')[1]), headers,
    size: Number(headers['content-length'] ?? 0),
  };
}

class RuntimeApi {
  constructor(address) {
    this.connection = new Connection(address);
    this.question = this.connection.head('GET', 'invocation/next');
    /** What was asked for together with the answer before. */
    this.asked = null;
  }

  async next() {
    const { asked } = this;
    this.asked = null;
    const answer = await asked ?? await this.connection.send(1, this.question)[0];
    if (answer.status !== 200) {
      throw new Error(`Runtime API answered ${answer.status}: ${answer.body}`);
    }
    return answer;
  }

  /**
   * What a function answers and the question for the next event are one
   * write, unless it is large: that may be refused before it is read.
   */
  async post(url, body, fields, asks = false) {
    const { connection } = this;
    const head = connection.head('POST', url, fields, body);
    const both = asks && body.length < ASKS_MOST;
    const [first, second] = connection.send(both ? 2 : 1, head, body,
      both ? this.question : '');
    this.asked = second ?? null;
    // Who waits for it is told when it is lost, which may be too late.
    second?.catch(() => {});
    const { status, body: text } = await first;
    if (status !== 202) {
      // The caller has its answer from the supervisor already.
      process.stderr.write(`Runtime API answered ${status}: ${text}\n`);
    }
  }

  respond(invocation, what, body, type = 'application/json', asks = false) {
    let fields = `Content-Type: ${type}\r\n`;
    if (invocation.invocationId !== undefined) {
      fields += `Lambda-Runtime-Invocation-Id: ${invocation.invocationId}\r\n`;
    }
    const id = encodeURIComponent(invocation.requestId);
    return this.post(`invocation/${id}/${what}`, body, fields, asks);
  }

  initError(error) {
    const formatted = formatError(error);
    const type = String(formatted.errorType).replace(/[^ -~]/g, '');
    return this.post('init/error', JSON.stringify(formatted),
      'Content-Type: application/json\r\n' +
      `Lambda-Runtime-Function-Error-Type: ${type}\r\n`);
  }
}

// ------------------------------------------------------------ InvokeStore

const KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};

/** globalThis.awslambda.InvokeStore: AWS's own libraries read it. */
class InvokeStore {
  static PROTECTED_KEYS = KEYS;
  #context;

  isProtectedKey(key) { return Object.values(KEYS).includes(key); }
  getRequestId() { return this.get(KEYS.REQUEST_ID) ?? '-'; }
  getXRayTraceId() { return this.get(KEYS.X_RAY_TRACE_ID); }
  getTenantId() { return this.get(KEYS.TENANT_ID); }
  getContext() { return this.#context; }
  hasContext() { return this.#context !== undefined; }
  get(key) { return this.#context?.[key]; }

  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(
        `Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.#context ??= {};
    this.#context[key] = value;
  }

  run(context, fn) {
    this.#context = context;
    return fn();
  }
}

// ------------------------------------------------------------------- Logs

const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };

/**
 * To a full pipe, Node would write later: what a handler logs without ever
 * yielding would pile up in its memory, and what is left at its end be frozen
 * with it, or lost.  AWS's runtime writes its log at once as well.
 */
function writeAtOnce(stream) {
  stream._handle?.setBlocking?.(true);
}

class Log {
  constructor(env, store) {
    this.store = store;
    this.json = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
    this.least = LEVELS[env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? 1;
    const fd = Number(env._LAMBDA_TELEMETRY_LOG_FD || NaN);
    delete env._LAMBDA_TELEMETRY_LOG_FD;
    this.fd = Number.isInteger(fd) && fd > 0 ? fd : null;
  }

  patch(console) {
    for (const level of Object.keys(LEVELS)) {
      console[level.toLowerCase()] = LEVELS[level] < this.least
        ? () => {} : (...args) => this.record(level, args);
    }
    console.log = console.info;
  }

  record(level, args) {
    const now = new Date();
    const line = this.json
      ? this.jsonLine(now, level, args) : this.textLine(now, level, args);
    if (this.fd === null) {
      // One record stays one line.
      process.stdout.write(line.replaceAll('\n', '\r') + '\n');
    } else {
      this.frame(now, level, this.json ? line : line + '\n');
    }
  }

  textLine(now, level, args) {
    return [now.toISOString(), this.store.getRequestId(), level,
      util.format(...args)].join('\t');
  }

  jsonLine(now, level, args) {
    const record = {
      timestamp: now.toISOString(), level,
      requestId: this.store.getRequestId(),
    };
    const tenant = this.store.getTenantId();
    if (tenant) record.tenantId = tenant;
    if (args.length === 1) {
      try {
        return JSON.stringify({ ...record, message: args[0] }, errorMembers);
      } catch {
        return JSON.stringify({ ...record, message: util.format(args[0]) });
      }
    }
    record.message = util.format(...args);
    const error = args.slice(1).find(isError);
    return JSON.stringify(error
      ? { ...record, ...errorMembers('', error, false) } : record);
  }

  frame(now, level, text) {
    const data = Buffer.from(text);
    const head = Buffer.alloc(16);
    const kind = this.json ? 0xa55a0002 : 0xa55a0003;
    head.writeUInt32BE((kind | (LEVELS[level] << 2)) >>> 0, 0);
    head.writeUInt32BE(data.length, 4);
    head.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
    fs.writeSync(this.fd, Buffer.concat([head, data]));
  }

  error(title, error) {
    if (this.json) {
      console.error(isError(error) ? error : new Error(String(error)));
    } else {
      console.error(title, '\t' + describeError(
        isError(error) ? error : new Error(String(error))));
    }
  }
}

function errorMembers(_, value, own = true) {
  if (!isError(value)) return value;
  return {
    errorType: value.constructor?.name ?? 'UnknownError',
    errorMessage: value.message,
    stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : [],
    ...(own ? value : {}),
  };
}

// -------------------------------------------------------- Streamed answers

/** Collects a streamed answer; it is posted whole when it ends. */
class ResponseStream extends Writable {
  constructor(highWaterMark) {
    super({ highWaterMark });
    this.parts = [];
    this.contentType = 'application/octet-stream';
    this.started = false;
  }

  setContentType(type) {
    if (this.started) {
      throw new Fault('InvalidStreamingOperation',
        'Cannot set content-type, too late.');
    }
    this.contentType = type;
  }

  write(chunk, ...rest) {
    if (!this.started) {
      this.started = true;
      this._onBeforeFirstWrite?.((first) => super.write(first));
    }
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(raw ? chunk : JSON.stringify(chunk), ...rest);
  }

  end(chunk, ...rest) {
    if (chunk != null && typeof chunk !== 'function') {
      this.write(chunk);
      chunk = undefined;
    }
    return super.end(chunk, ...rest);
  }

  _write(chunk, _, done) {
    this.parts.push(chunk);
    done();
  }
}

class HttpResponseStream {
  /** JSON of status and headers, eight zero bytes, then the body. */
  static from(stream, prelude) {
    stream.setContentType(
      'application/vnd.awslambda.http-integration-response');
    stream._onBeforeFirstWrite = (write) => {
      write(JSON.stringify(prelude));
      write(new Uint8Array(8));
    };
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') {
    handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  }
  return handler;
}

// ---------------------------------------------------------------- Handler

async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new Fault('MalformedHandlerName', `'${name}' is not a valid handler` +
      ' name. Use absolute paths when specifying root directories in handler' +
      ' names.');
  }
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 0) throw new Fault('MalformedHandlerName', 'Bad handler');
  const folder = name.slice(0, name.indexOf(base)).replace(/\/$/, '');
  const loaded = await loadModule(root, folder, base.slice(0, dot));
  const member = base.slice(dot + 1);
  const handler = find(member, loaded) ?? find(member, loaded?.default);
  if (!handler) {
    throw new Fault('HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new Fault('HandlerNotFound', `${name} is not a function`);
  }
  if (handler[STREAMING] && handler[STREAMING] !== 'response') {
    throw new Fault('MalformedStreamingHandler',
      'Only response streaming is supported.');
  }
  if (MAJOR >= 24 && handler.length >= 3 && !handler[STREAMING]) {
    throw new Fault('CallbackHandlerDeprecated', CALLBACK_REMOVED);
  }
  return handler;
}

function find(member, value) {
  for (const key of member.split('.')) {
    value = value && typeof value === 'object' ? value[key] : undefined;
  }
  return value;
}

async function loadModule(root, folder, name) {
  const stem = path.resolve(root, folder, name);
  try {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      if (fs.statSync(stem + extension, { throwIfNoEntry: false })?.isFile()) {
        return await import(pathToFileURL(stem + extension));
      }
    }
    const require = module.createRequire(import.meta.url);
    return require(require.resolve(name,
      { paths: [root, path.join(root, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new Fault('UserCodeSyntaxError', String(error));
      fault.stack = error.stack;
      throw fault;
    }
    if (error?.code === 'MODULE_NOT_FOUND') {
      throw new Fault('ImportModuleError', String(error));
    }
    throw error;
  }
}

/** The package that a bare specifier of an `import` names. */
const BARE = /^(?:@[^/%\\:]+\/)?[^.#/@%\\:][^/%\\:]*(?=\/|$)/;

function isNamed(file, name) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).name === name;
  } catch (error) {
    return error.code !== 'ENOENT';
  }
}

/**
 * Whether no folder above the importing module has that package, so that Node
 * would not find it.  To let Node say so takes as long as an import does: it
 * makes an error with hints.
 */
function isElsewhere(specifier, { parentURL, conditions }) {
  const name = BARE.exec(specifier)?.[0];
  if (!name || module.isBuiltin(specifier) || conditions.includes('require') ||
      !parentURL?.startsWith('file:')) return false;
  let folder = fileURLToPath(parentURL);
  do {
    folder = path.dirname(folder);
    if (fs.existsSync(path.join(folder, 'node_modules', name)) ||
        isNamed(path.join(folder, 'package.json'), name)) return false;
  } while (folder !== path.dirname(folder));
  return true;
}

/**
 * NODE_PATH serves require() only; functions with import find the packages of
 * layers and of the runtime through this.  Their own come first.
 */
function searchNodePathForImports(env) {
  const parents = (env.NODE_PATH ?? '').split(':')
    .filter((p) => path.basename(p) === 'node_modules' && fs.existsSync(p))
    .map((p) => pathToFileURL(path.join(path.dirname(p), '_')).href);
  if (!parents.length) return;
  if (module.registerHooks) {
    module.registerHooks({
      resolve(specifier, context, next) {
        const found = () => {
          for (const parentURL of parents) {
            try {
              return next(specifier, { ...context, parentURL });
            } catch { /* the first error says it best */ }
          }
          return null;
        };
        if (isElsewhere(specifier, context)) {
          return found() ?? next(specifier, context);
        }
        try {
          return next(specifier, context);
        } catch (error) {
          if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
          const other = found();
          if (other) return other;
          throw error;
        }
      },
    });
  } else {
    const source = `
      const parents = ${JSON.stringify(parents)};
      export async function resolve(specifier, context, next) {
        try {
          return await next(specifier, context);
        } catch (error) {
          if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
          for (const parentURL of parents) {
            try {
              return await next(specifier, { ...context, parentURL });
            } catch {}
          }
          throw error;
        }
      }`;
    module.register('data:text/javascript,' + encodeURIComponent(source));
  }
}

// ------------------------------------------------------------- Invocation

class Invocation {
  constructor(headers, env) {
    this.headers = headers;
    this.env = env;
    this.requestId = headers['lambda-runtime-aws-request-id'];
    this.invocationId = headers['lambda-runtime-invocation-id'];
    this.traceId = headers['lambda-runtime-trace-id'];
    this.tenantId = headers['lambda-runtime-aws-tenant-id'];
    this.answered = false;
    /** Called when nothing is left that could wake the handler. */
    this.onEmptyLoop = null;
  }

  context() {
    const { headers, env } = this;
    const deadline = parseInt(headers['lambda-runtime-deadline-ms'], 10);
    return {
      clientContext: this.json('lambda-runtime-client-context'),
      identity: this.json('lambda-runtime-cognito-identity'),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: this.requestId,
      tenantId: this.tenantId,
      xRayTraceId: this.traceId,
      getRemainingTimeInMillis: () => deadline - Date.now(),
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    };
  }

  json(name) {
    const text = this.headers[name];
    if (!text) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Fault('PlatformError',
        `Failed to parse ${name} as JSON: ${error.message}`);
    }
  }

  /** Node 24 and later: what is returned or what its promise gives. */
  async run(handler, event) {
    const result = handler(event, this.context());
    if (typeof result?.then !== 'function') return result;
    return this.settled((resolve, reject) => result.then(resolve, reject));
  }

  /** Before Node 24: a promise, the callback, or context.done(). */
  runWithCallback(handler, event) {
    return this.settled((resolve, reject) => {
      const context = this.context();
      const done = (error, result) => error == null
        ? resolve(result) : reject(error);
      let waits = true;
      Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
        enumerable: true,
        get: () => waits,
        set: (value) => { waits = value; },
      });
      context.done = done;
      context.succeed = (result) => resolve(result);
      context.fail = (error) => reject(error ?? 'handled');
      this.onEmptyLoop = () => resolve(null);
      let called = false;
      const result = handler(event, context, (error, value) => {
        if (called) return;
        called = true;
        if (waits) this.onEmptyLoop = () => done(error, value);
        else done(error, value);
      });
      if (typeof result?.then === 'function') {
        if (!called) this.onEmptyLoop = this.neverSettled(reject);
        result.then(resolve, reject);
      }
    });
  }

  async runStreaming(handler, event) {
    const stream = new ResponseStream(handler[HIGH_WATER_MARK]);
    const result = handler(event, stream, this.context());
    if (typeof result?.then !== 'function') {
      throw new Error('Streaming does not support non-async handlers.');
    }
    await this.settled((resolve, reject) => {
      stream.on('error', reject);
      result.then((value) => {
        if (value !== undefined) {
          console.warn('Streaming handlers ignore return values.');
        }
        if (stream.writableFinished) return resolve();
        stream.on('finish', resolve);
        this.onEmptyLoop = () =>
          reject(new Error('Response stream is not finished.'));
      }, reject);
    });
    return stream;
  }

  settled(start) {
    return new Promise((resolve, reject) => {
      this.onEmptyLoop = this.neverSettled(reject);
      start(resolve, reject);
    }).finally(() => { this.onEmptyLoop = null; });
  }

  neverSettled(reject) {
    return () => reject(new Fault('NodeJsExit', NEVER_SETTLED));
  }
}

function toJson(value) {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    throw new Fault('JSONStringifyError', 'Unable to stringify response body');
  }
}

// -------------------------------------------------------------- Life cycle

/**
 * One environment's life in the order of time.  The constructor and `prepare`
 * need not know the function; `bind` and `serve` do.
 */
class Runtime {
  constructor(address) {
    this.api = new RuntimeApi(address);
    this.store = new InvokeStore();
    this.invocation = null;
  }

  /** One for blanks to go through once; its lines lead nowhere. */
  static rehearsing(address) {
    const runtime = new Runtime(address);
    runtime.env = {};
    runtime.log = new Log({}, runtime.store);
    runtime.log.textLine(new Date(), 'INFO', ['%s', process.stdout.fd]);
    return runtime;
  }

  prepare(env) {
    writeAtOnce(process.stdout);
    writeAtOnce(process.stderr);
    if (!/^(1|true)$/.test(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? '')) {
      globalThis.awslambda = {
        ...globalThis.awslambda, streamifyResponse, HttpResponseStream,
        InvokeStore: this.store,
      };
    }
    searchNodePathForImports(env);
    fastclient.install(env, (line) => {
      if (this.log) console.info(line);
      return this.log !== undefined;
    });
    process.on('beforeExit', () => this.invocation?.onEmptyLoop?.());
    process.on('uncaughtException',
      (error) => this.die('Uncaught Exception', error, 129));
    process.on('unhandledRejection', (reason) => {
      const error = new Fault('UnhandledPromiseRejection', String(reason));
      error.reason = reason;
      this.die('Unhandled Promise Rejection', error, 128);
    });
  }

  async bind(env) {
    this.env = env;
    this.log = new Log(env, this.store);
    this.log.patch(console);
    useCompileCache();
    try {
      this.handler = await loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER);
    } catch (error) {
      await this.failInit('Init Error', error, 1);
    }
  }

  async failInit(title, error, code) {
    this.failing = true;
    this.log.error(title, error);
    try {
      await this.api.initError(error);
    } finally {
      process.exit(code);
    }
  }

  /** Something was thrown where no handler could catch it. */
  async die(title, error, code) {
    if (this.failing) return;
    if (!this.handler) return this.failInit(title, error, code);
    this.failing = true;
    this.log.error(title, error);
    const { invocation } = this;
    try {
      if (invocation && !invocation.answered) {
        invocation.answered = true;
        await this.api.respond(invocation, 'error',
          JSON.stringify(formatError(error)));
      }
    } finally {
      process.exit(code);
    }
  }

  async serve() {
    for (;;) {
      const { headers, body } = await this.api.next();
      const invocation = new Invocation(headers, this.env);
      this.invocation = invocation;
      if (invocation.traceId) this.env._X_AMZN_TRACE_ID = invocation.traceId;
      else delete this.env._X_AMZN_TRACE_ID;
      const answer = await this.store.run({
        [KEYS.REQUEST_ID]: invocation.requestId,
        [KEYS.X_RAY_TRACE_ID]: invocation.traceId,
        [KEYS.TENANT_ID]: invocation.tenantId,
      }, () => this.call(invocation, body));
      if (this.failing) return; // the process is on its way out
      invocation.answered = true;
      const [what, result, type] = answer;
      await this.api.respond(invocation, what, result, type, true);
      this.invocation = null;
    }
  }

  async call(invocation, body) {
    const { handler } = this;
    try {
      const event = JSON.parse(body);
      if (handler[STREAMING]) {
        const stream = await invocation.runStreaming(handler, event);
        return ['response', Buffer.concat(stream.parts), stream.contentType];
      }
      return ['response', toJson(await (MAJOR >= 24
        ? invocation.run(handler, event)
        : invocation.runWithCallback(handler, event)))];
    } catch (error) {
      if (!this.failing) this.log.error('Invoke Error', error);
      return ['error', JSON.stringify(formatError(error))];
    }
  }
}

/** What warm.mjs made of the archive; Node ignores what does not fit. */
function useCompileCache() {
  if (fs.existsSync(WARM)) module.enableCompileCache?.(WARM);
}

async function main() {
  if (process.argv[2] === '--warm') {
    const { make } = await import('./warm.mjs');
    await make(() => {
      searchNodePathForImports(process.env);
      return loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
    });
  }
  const runtime = new Runtime(process.env.AWS_LAMBDA_RUNTIME_API);
  runtime.prepare(process.env);
  if (process.argv[2] === '--blank') {
    process.argv.splice(2, 1);
    await blank.become(process.env, () => rehearse(Runtime.rehearsing,
      loadHandler));
  }
  await runtime.bind(process.env);
  try {
    await runtime.serve();
  } catch (error) {
    process.stderr.write(`runtime: ${error.message}\n`);
    process.exit(1);
  }
}

await main();
