// SPDX-License-Identifier: Apache-2.0
// What functions in Node.js commonly do, for the list of system calls that they make.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const http = require('http');
const net = require('net');
const dns = require('dns');
const dgram = require('dgram');
const crypto = require('crypto');
const zlib = require('zlib');
const child = require('child_process');
const { Worker, isMainThread, parentPort } = require('worker_threads');

if (!isMainThread) {
  parentPort.postMessage(1);
} else {
  main().then(() => { console.log('done'); process.exit(0); }, (e) => { console.error(e); process.exit(1); });
}

async function files(root) {
  const at = (name) => path.join(root, name);
  await fs.promises.writeFile(at('a'), 'text');
  await fs.promises.copyFile(at('a'), at('b'));
  await fs.promises.rename(at('b'), at('c'));
  await fs.promises.symlink(at('c'), at('s'));
  await fs.promises.link(at('c'), at('l'));
  await fs.promises.chmod(at('c'), 0o600);
  await fs.promises.chown(at('c'), process.getuid(), process.getgid());
  await fs.promises.utimes(at('c'), 1, 1);
  await fs.promises.truncate(at('c'), 2);
  const file = await fs.promises.open(at('c'), 'r+');
  await file.write('x');
  await file.sync();
  await file.datasync();
  await file.chmod(0o600);
  await file.close();
  fs.mkdirSync(at('d/e'), { recursive: true });
  fs.readdirSync(root, { withFileTypes: true });
  fs.statSync(at('a')); fs.lstatSync(at('s')); fs.readlinkSync(at('s')); fs.realpathSync(at('s')); fs.accessSync(at('a'));
  fs.statfsSync && fs.statfsSync(root);
  fs.mkdtempSync(at('t'));
  const watcher = fs.watch(root);
  fs.unlinkSync(at('a'));
  watcher.close();
  fs.createReadStream(at('c')).pipe(zlib.createGzip()).pipe(fs.createWriteStream(at('z')));
  fs.rmSync(at('d'), { recursive: true });
}

async function network(root) {
  const server = http.createServer((request, response) => response.end('x'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await fetch(`http://127.0.0.1:${server.address().port}/`).then((r) => r.text());
  server.closeAllConnections && server.closeAllConnections();
  server.close();
  const local = net.createServer((c) => c.end());
  await new Promise((resolve) => local.listen(path.join(root, 'socket'), resolve));
  await new Promise((resolve) => net.connect(path.join(root, 'socket')).on('close', resolve).resume());
  local.close();
  await dns.promises.lookup('localhost').catch(() => 0);
  for (const name of (process.env.WORKLOAD_NAMES || '').split(' ').filter(Boolean)) await dns.promises.resolve4(name).catch(() => 0);
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.close();
  os.networkInterfaces();
}

async function main() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'workload'));
  await files(root);
  await network(root);
  await new Promise((resolve) => new Worker(__filename).on('message', resolve));
  child.execFileSync('echo', ['x']);
  await new Promise((resolve) => child.spawn('sleep', ['10'], { detached: true }).on('exit', resolve).kill());
  os.cpus(); os.freemem(); os.uptime(); os.hostname(); os.setPriority(1); os.getPriority(); os.availableParallelism && os.availableParallelism();
  try { os.userInfo(); } catch { /* an account without an entry in /etc/passwd */ }
  process.on('SIGUSR2', () => 0);
  process.cwd(); process.umask(); process.memoryUsage(); process.resourceUsage(); process.hrtime();
  await new Promise((resolve) => crypto.pbkdf2('a', 'b', 1, 8, 'sha1', resolve));
  crypto.randomBytes(8);
  await new Promise((resolve) => setTimeout(resolve, 1));
  fs.rmSync(root, { recursive: true });
}
