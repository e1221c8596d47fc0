// What the code of a function in Node may do to us, one function for each
// attack: attacks.handler, event {"attack": NAME, "seconds": N}.  Node's own
// modules only.  What the caller must get is in test_attacks_node.py.

import { spawn, spawnSync } from 'node:child_process';
import events from 'node:events';
import fs from 'node:fs';
import inspector from 'node:inspector';
import module from 'node:module';
import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [HOST, PORT] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const BASE = '/2018-06-01/runtime/';
const NEXT = `GET ${BASE}invocation/next HTTP/1.1\r\nHost: x\r\n\r\n`;
const now = () => performance.now() / 1000;

function until(seconds) {
  const end = now() + seconds;
  return () => now() < end;
}

/** A connection that minds nothing. */
function connect(port = Number(PORT)) {
  const socket = net.connect(port, HOST);
  socket.on('error', () => {});
  return socket;
}

/** What is answered first, or all until it is closed. */
async function say(text) {
  const socket = connect();
  socket.write(text);
  const answer = await Promise.race([
    events.once(socket, 'data'), events.once(socket, 'close'), sleep(20000),
  ]).catch(() => '');
  socket.destroy();
  return String(answer ?? '');
}

const post = (path, body, more = '') => `POST ${BASE}${path} HTTP/1.1\r\n` +
  `Host: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
  `${more}\r\n${body}`;

const A = {
  nothing: () => null,

  // ---- time and space ----

  block: () => { for (;;); },
  blockmicrotasks: () => {
    const again = () => Promise.resolve().then(again);
    again();
    return new Promise(() => {});
  },
  regex: () => /^(a+)+$/.test('a'.repeat(60) + 'b'),
  never: () => { setInterval(() => {}, 1000); return new Promise(() => {}); },
  settled: () => new Promise(() => {}),
  threads: async (seconds) => {
    const more = until(seconds);
    const code = 'for (;;);';
    while (more()) {
      new Worker(code, { eval: true }).on('error', () => {});
      await sleep(1);
    }
    return new Promise(() => {});
  },
  forks: async (seconds) => {
    const more = until(seconds);
    const bomb = 'f() { while :; do f & done; }; f';
    while (more()) {
      const child = spawn('/bin/sh', ['-c', bomb],
        { detached: true, stdio: 'ignore' });
      child.on('error', () => {});
      child.unref();
      await sleep(1);
    }
    return null;
  },
  descriptors: () => {
    for (const held = [];;) {
      try {
        held.push(fs.openSync('/dev/null'));
      } catch (error) {
        return error.code;
      }
    }
  },
  heap: () => { for (const held = [];;) held.push({ a: [held.length] }); },
  external: () => {
    for (const held = [];;) held.push(Buffer.alloc(1 << 20, 1));
  },
  arrays: () => {
    for (const held = [];;) {
      held.push(new ArrayBuffer(1 << 20));
      new Uint8Array(held.at(-1)).fill(1);
    }
  },
  wasmmemory: () => {
    for (const held = [];;) {
      const memory = new WebAssembly.Memory({ initial: 64 });
      new Uint8Array(memory.buffer).fill(1);
      held.push(memory);
    }
  },
  tmp: () => {
    try {
      for (let i = 0; ; i++) {
        fs.writeFileSync(`/tmp/${i}`, Buffer.alloc(8 << 20, 1));
      }
    } catch (error) {
      for (const name of fs.readdirSync('/tmp')) fs.rmSync(`/tmp/${name}`);
      return error.code;
    }
  },

  // ---- the log ----

  output: (seconds) => {
    const block = Buffer.alloc(65536, 'o');
    for (const more = until(seconds); more();) {
      for (const fd of [1, 2]) {
        try { fs.writeSync(fd, block); } catch { /* full */ }
      }
    }
    return null;
  },
  lines: (seconds) => {
    for (const more = until(seconds); more();) {
      console.log('\n'.repeat(1000));
      console.error('x');
    }
    return null;
  },
  hooked: (seconds) => {
    // A console that calls itself, and a stream that takes nothing.
    process.stdout.write = () => false;
    console.log = (...words) => console.error(...words);
    console.error = (...words) => console.log(...words);
    try { console.log('x'); } catch (error) { return error.name; }
    return seconds;
  },

  // ---- the Runtime API ----

  stream: (seconds, context) => {
    const socket = connect();
    socket.write(`POST ${BASE}invocation/${context.awsRequestId}/response ` +
      'HTTP/1.1\r\nTransfer-Encoding: chunked\r\n' +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n');
    const block = Buffer.from('10000\r\n' + '['.repeat(65536) + '\r\n');
    const push = () => {
      while (!socket.destroyed && socket.write(block));
    };
    socket.on('drain', push);
    push();
    return new Promise(() => {});
  },
  connections: async (seconds) => {
    const more = until(seconds);
    let made = 0, held = [];
    while (more() && made < 10000) {
      for (let i = 0; i < 200; i++) {
        const socket = connect(i % 2 ? 9002 : Number(PORT));
        socket.on('connect', () => { made++; });
        held.push(socket);
      }
      await sleep(5);
      while (held.length > 600) held.shift().destroy();
    }
    for (const socket of held) socket.destroy();
    return made;
  },
  nexts: async () => {
    const held = [];
    for (let i = 0; i < 20; i++) held.push(say(NEXT));
    const answers = await Promise.all(held);
    return answers.map((text) => text.slice(9, 12)).filter(Boolean);
  },
  forged: async (seconds, context) => {
    const answers = [];
    for (const id of [crypto.randomUUID(), '../'.repeat(50), '%00',
      'x'.repeat(5000), context.awsRequestId + '0', '']) {
      for (const kind of ['response', 'error']) {
        answers.push(await say(post(`invocation/${id}/${kind}`, '"forged"')));
      }
    }
    return answers.filter((text) => text.includes(' 202 ')).length;
  },
  fenced: async (seconds, context) => {
    const text = await say(post(`invocation/${context.awsRequestId}/response`,
      '"fenced"', 'Lambda-Runtime-Invocation-Id: another\r\n'));
    return text.slice(9, 12);
  },
  first: async (seconds, context) => {
    for (const word of ['"first"', '"second"']) {
      await say(post(`invocation/${context.awsRequestId}/response`, word));
    }
    return 'third';
  },
  pipelined: async (seconds) => {
    const block = `GET /ping HTTP/1.1\r\n\r\n${NEXT}`.repeat(500);
    const more = until(seconds);
    while (more()) {
      const socket = connect();
      for (let i = 0; i < 20; i++) socket.write(block);
      await sleep(5);
      socket.destroy();
    }
    return null;
  },
  initerror: async () =>
    (await say(post('init/error', '{"errorType":"x"}'))).slice(9, 12),
  inside: async () => {
    // Splits the bootstrap's own connection in the middle of its answer.
    const write = net.Socket.prototype.write;
    net.Socket.prototype.write = function (data, ...rest) {
      if (typeof data !== 'string' || !data.includes('/response')) {
        return write.call(this, data, ...rest);
      }
      write.call(this, data.slice(0, 40));
      this.destroy();
      return true;
    };
    return null;
  },

  // ---- ends ----

  abort: () => process.abort(),
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  term: () => process.kill(process.pid, 'SIGTERM'),
  exit0: () => process.exit(0),
  exit3: () => process.exit(3),
  parent: () => {
    for (const name of Object.keys(os.constants.signals)) {
      try { process.kill(process.ppid, name); } catch { /* refused */ }
    }
    // What is first in there passes SIGTERM on, as a container's first does.
    return sleep(60000);
  },
  stop: () => process.kill(process.pid, 'SIGSTOP'),
  group: () => {
    for (const pid of [0, -1, -process.pid]) {
      try { process.kill(pid, 'SIGKILL'); } catch { /* nobody there */ }
    }
    return sleep(60000);
  },
  reallyexit: () => process.reallyExit(7),
  wasm: () => {
    // A trap: an exception like any other.
    const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0,
      0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 5, 1, 3, 0, 0, 11);
    new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.a();
  },
  wasmstack: () => {
    const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0,
      0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 6, 1, 4, 0, 16, 0, 11);
    new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.a();
  },
  exitjson: () => ({ toJSON() { process.exit(4); } }),
  exitthen: () => ({ get then() { return process.exit(5); } }),
  exitname: () => {
    throw Object.defineProperty(new Error('x'), 'name',
      { get() { return process.exit(6); } });
  },
  exitlistener: () => {
    process.on('exit', () => { process.exitCode = 0; for (;;); });
    process.exit(1);
  },
  exitlater: () => { setImmediate(() => process.exit(8)); return 'answered'; },
  exitnever: () => {
    process.exit = process.reallyExit = process.abort = () => {};
    setImmediate(() => { throw new Error('stray'); });
    return new Promise(() => {});
  },
  stray: () => {
    process.on('uncaughtException', () => {});
    setImmediate(() => { throw new Error('stray'); });
    return new Promise(() => {});
  },
  swallowed: () => {
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', () => {});
    setImmediate(() => { throw new Error('stray'); });
    return sleep(50, 'went on');
  },
  strayreject: () => {
    Promise.reject(new Error('stray'));
    return new Promise(() => {});
  },
  emits: () => {
    process.emit('beforeExit', 0);
    process.emit('uncaughtException', new Error('emitted'));
    return new Promise(() => {});
  },
  beforeexit: () => {
    process.on('beforeExit', () => setImmediate(() => {}));
    return new Promise(() => {});
  },

  // ---- doors ----

  bindings: () => {
    const out = [];
    for (const name of ['spawn_sync', 'process_wrap', 'fs', 'tcp_wrap',
      'pipe_wrap', 'contextify', 'inspector', 'os', 'v8']) {
      try { out.push(Object.keys(process.binding(name)).length > 0); } catch {
        out.push(false);
      }
    }
    try {
      process.binding('process_wrap').Process.prototype.spawn.call({});
    } catch { /* refused */ }
    return out.length;
  },
  setids: () => {
    const got = [];
    for (const name of ['setuid', 'setgid', 'seteuid', 'setegid']) {
      try { process[name](0); got.push(name); } catch { /* refused */ }
    }
    try { process.setgroups([0]); got.push('groups'); } catch { /* same */ }
    return got;
  },
  addon: () => {
    // The task's own tmp lets code run, as AWS's does; it is the same jail.
    const from = fs.readFileSync('/proc/self/maps', 'utf8')
      .match(/\/\S+\/libc\.so\S*/)[0];
    fs.copyFileSync(from, '/tmp/a.node');
    try {
      process.dlopen({ exports: {} }, '/tmp/a.node');
      return 'loaded';
    } catch (error) {
      return error.code;
    } finally {
      fs.rmSync('/tmp/a.node');
    }
  },
  inspect: () => {
    inspector.open(9229, '0.0.0.0');
    try { process.kill(process.pid, 'SIGUSR1'); } catch { /* refused */ }
    return inspector.url().slice(0, 20);
  },
  paused: () => {
    // Stands still for a debugger that never comes.
    inspector.open(9229, '127.0.0.1');
    const session = new inspector.Session();
    session.connect();
    session.post('Debugger.enable');
    for (;;) debugger;
  },
  files: () => {
    const got = [];
    for (const file of ['/var/runtime/x', '/var/rapid/bootstrap.mjs',
      '/var/task/x', '/var/warm/x', '/usr/x', '/x', '/proc/1/mem',
      '/proc/self/oom_score_adj', '/proc/sysrq-trigger', '/dev/x']) {
      try { fs.writeFileSync(file, '-1000'); got.push(file); } catch { /* */ }
    }
    return got;
  },
  argv: () => {
    // What a process calls itself, and what it thinks that it was started by.
    process.title = 'perdure: main ' + 'x'.repeat(4096);
    process.argv.length = 0;
    process.execPath = '/bin/sh';
    return spawnSync('/bin/sh', ['-c', 'echo $PPID']).status;
  },

  // ---- what goes on ----

  goeson: () => {
    for (let i = 0; i < 200; i++) {
      const again = () => {
        connect().on('connect', function () { this.destroy(); });
        setTimeout(again, 5).unref();
      };
      again();
    }
    new Worker('for (;;);', { eval: true }).unref();
    spawn('/bin/sh', ['-c', 'while :; do :; done'],
      { detached: true, stdio: 'ignore' }).unref();
    return 'answered';
  },
  answersagain: (seconds, context) => {
    const text = post(`invocation/${context.awsRequestId}/response`, '"late"');
    setInterval(() => connect().write(text), 1).unref();
    return 'answered';
  },
};

// ---- the bootstrap's own floor ----

const odd = () => { throw new Error('odd'); };
const MEMBERS = {
  'array': [Array.prototype, ['shift', 'push', 'splice', 'map', 'filter',
    'join', Symbol.iterator]],
  'string': [String.prototype, ['split', 'slice', 'indexOf', 'trim',
    'toLowerCase', 'replace', 'replaceAll', 'startsWith', 'includes']],
  'promise': [Promise.prototype, ['then', 'catch', 'finally']],
  'promises': [Promise, ['resolve', 'reject', 'all', 'race']],
  'json': [JSON, ['parse', 'stringify']],
  'buffer': [Buffer, ['from', 'concat', 'byteLength', 'allocUnsafeSlow']],
  'bytes': [Buffer.prototype, ['toString', 'indexOf', 'subarray', 'slice',
    'latin1Slice', 'utf8Write']],
  'objects': [Object, ['keys', 'values', 'entries', 'assign',
    'defineProperty', 'freeze']],
  'functions': [Function.prototype, ['call', 'apply', 'bind']],
  'regexp': [RegExp.prototype, ['test', 'exec', Symbol.replace]],
  'socket': [net.Socket.prototype, ['write', 'ref', 'unref', 'cork',
    'uncork', 'end', 'destroy']],
  'emitter': [events.prototype, ['on', 'emit', 'removeListener']],
  'dates': [Date, ['now']],
  'nexttick': [process, ['nextTick', 'hrtime']],
  'numbers': [globalThis, ['Number', 'parseInt', 'encodeURIComponent',
    'String', 'Error', 'Symbol', 'Promise', 'Buffer']],
};

function replace(name, how) {
  const [object, members] = MEMBERS[name];
  for (const member of members) {
    const real = object[member];
    object[member] = how === 'throws' ? odd : how === 'nothing' ? () => {}
      : function (...words) {
        const value = Reflect.apply(real, this, words);
        return typeof value === 'string' ? value.slice(1)
          : typeof value === 'number' ? value + 1 : value;
      };
  }
}

for (const name of Object.keys(MEMBERS)) {
  for (const how of ['throws', 'nothing', 'lies']) {
    A[`${name}-${how}`] = () => {
      setImmediate(() => {});
      replace(name, how);
      return { floor: name, text: 'x'.repeat(100) };
    };
  }
}

Object.assign(A, {
  polluted: () => {
    // What no plain object says of itself, it now says.
    for (const [name, value] of Object.entries({
      status: 202, headers: { connection: 'close' }, body: 'x', size: -1,
      connection: 'close', 'content-length': '99999999', resolve: odd,
      reject: odd, then: undefined, host: '127.0.0.1', port: 1, signal: 1,
      'lambda-runtime-aws-request-id': 'other', encoding: 'hex', fd: 2,
      writable: false, enumerable: false,
    })) Object.prototype[name] = value;
    return null;
  },
  thenable: () => {
    Object.defineProperty(Object.prototype, 'then', {
      get() { return undefined; }, set() { odd(); }, configurable: true,
    });
    return {};
  },
  species: () => {
    Object.defineProperty(Promise, Symbol.species, { get: odd });
    Object.defineProperty(Promise.prototype, 'constructor', { get: odd });
    return null;
  },
  setters: () => {
    for (const index of [0, 1, 2]) {
      Object.defineProperty(Array.prototype, index, {
        get: odd, set: odd, configurable: true });
    }
    return null;
  },
  headless: () => {
    // Fields of more than one line, by way of what the bootstrap writes.
    Buffer.byteLength = () => '0\r\n\r\n' + NEXT.repeat(3) + 'POST / HTTP/1.1';
    return 'x';
  },
  shorter: () => {
    Buffer.byteLength = () => 1;
    return post('init/error', '{}') + NEXT;
  },
  longer: () => {
    Buffer.byteLength = () => 1e9;
    return 'x';
  },
  modules: () => {
    module._load = module._resolveFilename = odd;
    module.registerHooks?.({ resolve: odd, load: odd });
    return null;
  },
  handles: () => {
    // The bootstrap's own sockets, found and cut.
    for (const handle of process._getActiveHandles()) handle.destroy?.();
    return 'cut';
  },
  steals: () => {
    // Writes in the bootstrap's name, and reads what comes for it.
    const write = net.Socket.prototype.write;
    net.Socket.prototype.write = function (data, ...rest) {
      this.on('data', () => {});
      write.call(this, NEXT + NEXT);
      return write.call(this, data, ...rest);
    };
    return 'stolen';
  },
  fdwrite: () => {
    // The same below Node: all sockets that the process has.
    for (const name of fs.readdirSync('/proc/self/fd')) {
      const fd = Number(name);
      if (fd < 3) continue;
      try {
        if (!fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) {
          continue;
        }
        fs.writeSync(fd, NEXT + post('init/error', '{}') + 'garbage\r\n\r\n');
      } catch { /* gone */ }
    }
    return 'written';
  },
  fdclose: () => {
    for (let fd = 3; fd < 64; fd++) {
      try {
        if (fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) {
          fs.closeSync(fd);
        }
      } catch { /* not open */ }
    }
    return 'closed';
  },
});

export async function handler(event, context) {
  return A[event.attack](event.seconds ?? 2, context);
}

/** Not async: what `then` gives is looked at by the bootstrap itself. */
export function plain(event, context) {
  return A[event.attack](event.seconds ?? 2, context);
}

if (process.env.AT_START) await A[process.env.AT_START](1, {});
