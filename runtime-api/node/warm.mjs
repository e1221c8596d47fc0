// What makes later starts of an archive short: V8's compiled code of all
// modules that its handler loads, written as a zip to standard output.
//
// Node keeps what it compiled only for modules that it ran, so this runs the
// initialization of an archive that may be hostile: in a sandbox of its own,
// with none of a function's variables and nothing to write to but its /tmp.
// What comes out is used for that archive alone, whose code could do all
// that a forged cache could.

import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import zlib from 'node:zlib';

const FOLDER = '/tmp/warm';
const LOAD_MS = 60000;
const BYTES_MOST = 96 << 20;

/** Entries as they are, one after the other, for a reader of a pipe. */
function entry(name, data) {
  const head = Buffer.alloc(30);
  const text = Buffer.from(name);
  head.writeUInt32BE(0x504b0304, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(0x800, 6);
  head.writeUInt16LE(0x21, 12);
  head.writeUInt32LE(zlib.crc32(data), 14);
  head.writeUInt32LE(data.length, 18);
  head.writeUInt32LE(data.length, 22);
  head.writeUInt16LE(text.length, 26);
  return Buffer.concat([head, text, data]);
}

function write(data) {
  for (let at = 0; at < data.length;) {
    try {
      at += fs.writeSync(1, data, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function send() {
  let left = BYTES_MOST;
  for (const file of fs.readdirSync(FOLDER, { recursive: true })) {
    const whole = path.join(FOLDER, file);
    if (!fs.lstatSync(whole).isFile()) continue;
    const data = fs.readFileSync(whole);
    left -= data.length;
    if (left < 0) break;
    write(entry(`node/${file}`, data));
  }
}

/** `load` imports the handler; the process ends here whatever it does. */
export async function make(load) {
  if (module.flushCompileCache === undefined) process.exit(0);
  fs.mkdirSync(FOLDER);
  module.enableCompileCache(FOLDER);
  const nothing = () => true;
  process.stdout.write = nothing;
  process.stderr.write = nothing;
  process.on('uncaughtException', nothing);
  process.on('unhandledRejection', nothing);
  // However it ends: what was loaded until then is worth keeping.
  process.on('exit', () => {
    module.flushCompileCache();
    send();
    write(Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]));
    process.exitCode = 0;
  });
  setTimeout(() => process.exit(0), LOAD_MS);
  try {
    await load();
  } catch { /* its first start says what is wrong */ }
  process.exit(0);
}
