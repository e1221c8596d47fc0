"""What honest programs need works inside, at the level of this host."""

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import perdure  # noqa: E402

PYTHON = {
    "boto3": """
import boto3
lam = boto3.client("lambda")
arn = context.invoked_function_arn
return [lam.meta.endpoint_url.startswith("http://127.0.0.1"), ":function:" in arn]
""",
    "numpy": """
import numpy as np
a = np.random.default_rng(1).random((200, 200))
return [bool(np.allclose(a @ np.linalg.inv(a), np.eye(200))),
        int(np.arange(10).sum()) == 45]
""",
    "cryptography": """
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ed25519
f, key = Fernet(Fernet.generate_key()), ed25519.Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
return [f.decrypt(f.encrypt(b"x")) == b"x", True]
""",
    "subprocess": """
import subprocess
out = subprocess.run("echo $((6 * 7)) | tr 4 5; cat /etc/passwd | wc -l",
                     shell=True, capture_output=True, text=True)
return [out.stdout.split()[0] == "52", out.returncode == 0]
""",
    "multiprocessing": """
import multiprocessing as mp
q = mp.Queue()
p = mp.Process(target=q.put, args=(41,))
p.start()
got = q.get(timeout=30)
p.join()
a, b = mp.Pipe()
lock, value = mp.Lock(), mp.Value("i", 7)
return [got == 41 and p.exitcode == 0, value.value == 7]
""",
    "threads_and_sockets": """
import asyncio, socket, tempfile, threading, sqlite3, ssl, mmap, signal
server = socket.create_server(("127.0.0.1", 0))
t = threading.Thread(target=lambda: server.accept()[0].sendall(b"hi"))
t.start()
got = socket.create_connection(server.getsockname()).recv(9)
t.join()
with tempfile.TemporaryDirectory() as d:
    db = sqlite3.connect(d + "/x.db")
    db.execute("create table t (a)")
    db.commit()
ssl.create_default_context()
done = asyncio.run(asyncio.wait_for(asyncio.sleep(0, 5), 9))
return [got == b"hi", done == 5]
""",
}
NODE = {
    "sharp": """
import sharp from 'sharp';
export const handler = async () => {
  const png = await sharp({ create: { width: 64, height: 64, channels: 3,
    background: 'red' } }).resize(16).png().toBuffer();
  const meta = await sharp(png).metadata();
  return [meta.width === 16, meta.format === 'png'];
};
""",
    "worker_threads": """
import { Worker } from 'node:worker_threads';
export const handler = async () => {
  const one = new Worker('require("worker_threads").parentPort' +
    '.postMessage(6 * 7)', { eval: true });
  const got = await new Promise((ok, no) => {
    one.on('message', ok); one.on('error', no); });
  return [got === 42, true];
};
""",
    "child_process": """
import { execFile, fork } from 'node:child_process';
import { promisify } from 'node:util';
import { networkInterfaces } from 'node:os';
import { writeFileSync } from 'node:fs';
export const handler = async () => {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', 'echo $((6*7))']);
  writeFileSync('/tmp/child.cjs', 'process.send(7)');
  const child = fork('/tmp/child.cjs');
  const got = await new Promise((ok) => child.on('message', ok));
  return [stdout.trim() === '42' && got === 7, 'lo' in networkInterfaces()];
};
""",
    "crypto_and_server": """
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes, scryptSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
export const handler = async () => {
  generateKeyPairSync('ed25519'); gzipSync(scryptSync('a', randomBytes(8), 64));
  const server = createServer((q, a) => a.end('hi'));
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  const got = await (await fetch(
    `http://127.0.0.1:${server.address().port}`)).text();
  server.closeAllConnections(); server.close();
  return [got === 'hi', true];
};
""",
}


@functools.cache
def files(folder, prefix=""):
    path = perdure.DEPS / folder
    if not path.exists():
        pytest.skip(f"no {folder} under the build folder")
    return perdure.folder_files(path, prefix)


def python_code(name):
    body = "".join(f"    {line}\n" for line in PYTHON[name].splitlines())
    code = {"app.py": ("def handler(event, context):\n" + body).encode()}
    if name in ("numpy", "cryptography"):
        code.update(files("science"))
        return perdure.zip_bytes(code)
    if name == "boto3":
        code = dict(perdure.archive_files("python")) | code
    return perdure.zip_bytes(code)


@pytest.mark.parametrize("program", sorted(PYTHON))
def test_python(deploy, server, program):
    assert server.sandbox in ("full", "userns")
    one = deploy("app.handler", code=python_code(program), memory=512)
    assert one.invoke({})[0] == [True, True]


@pytest.mark.parametrize("program", sorted(NODE))
@pytest.mark.parametrize("runtime", [r for r, _ in perdure.node_runtimes()])
def test_node(deploy, runtime, program):
    code = {"app.mjs": NODE[program].encode()}
    if program == "sharp":
        code.update(files("sharp/node_modules", "node_modules"))
    one = deploy("app.handler", code=perdure.zip_bytes(code), memory=512,
                 language="node", runtime=runtime)
    assert one.invoke({})[0] == [True, True]
