// A blank environment: what is done before the function is known.
//
// The supervisor keeps interpreters ready that have imported the packages of
// the runtime.  When a function needs one, its code is mounted and its
// variables arrive on a pipe.  Modules are known by their place, so a copy
// that the function's archive brings is imported as if nothing had been
// before.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const PIPE = 3;
const PACKAGES = ['@aws/durable-execution-sdk-js', '@aws-sdk/client-lambda'];

/** As ESM and as CommonJS: either may be what a handler asks for. */
async function preload(folder) {
  const require = createRequire(path.join(folder, '_'));
  for (const name of PACKAGES) {
    try {
      const file = require.resolve(name);
      require(name);
      await import(esmOf(folder, name) ?? pathToFileURL(file).href);
    } catch { /* the function's own import will say what is wrong */ }
  }
}

/** What `import` takes, which may be another file than what `require` does. */
function esmOf(folder, name) {
  const home = path.join(folder, 'node_modules', name);
  const { exports } = JSON.parse(
    fs.readFileSync(path.join(home, 'package.json'), 'utf8'));
  let entry = exports?.['.'] ?? exports;
  while (entry && typeof entry === 'object') {
    entry = entry.import ?? entry.default;
  }
  return typeof entry === 'string'
    ? pathToFileURL(path.join(home, entry)).href : undefined;
}

/**
 * Waits for the function's variables and takes them.  `rehearse` is called
 * when all is imported.
 */
export async function become(env, rehearse) {
  await preload(env.LAMBDA_RUNTIME_DIR ?? '/var/runtime');
  await rehearse();
  const text = fs.readFileSync(PIPE, 'utf8');
  fs.closeSync(PIPE);
  if (!text) process.exit(0); // nobody needed this one
  take(env, text);
  process.chdir(env.LAMBDA_TASK_ROOT);
}

/**
 * What is there already stays untouched: Node looks for the time zone anew, in
 * a thousand files, whenever TZ is set or deleted.
 */
function take(env, text) {
  const wanted = new Map();
  for (const pair of text.split('\0')) {
    const at = pair.indexOf('=');
    if (at > 0) wanted.set(pair.slice(0, at), pair.slice(at + 1));
  }
  for (const name of Object.keys(env)) {
    if (!wanted.has(name)) delete env[name];
  }
  for (const [name, value] of wanted) {
    if (env[name] !== value) env[name] = value;
  }
}
