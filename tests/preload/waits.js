// `waits.js NAME` waits in one of node's ways; `waits.js` lists the names.
'use strict';
const fs = require('fs');
const {Worker} = require('worker_threads');
const {spawn} = require('child_process');

const MILLISECONDS = 2000;
const SPEED = 10;

const waits = {
  'node-setTimeout': (done) => setTimeout(done, MILLISECONDS, true),
  'node-setInterval': (done) => {
    let times = 0;
    const id = setInterval(() => {
      if (++times === 8) {
        clearInterval(id);
        done(true);
      }
    }, MILLISECONDS / 8);
  },
  'node-short-timeouts': (done) => {
    let left = MILLISECONDS / 8;
    const next = () => left-- ? setTimeout(next, 8) : done(true);
    next();
  },
  'node-Atomics.wait': (done) => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    done(Atomics.wait(word, 0, 0, MILLISECONDS) === 'timed-out');
  },
  'node-worker': (done) => {
    const code = `setTimeout(() => require('worker_threads').parentPort.postMessage(1), ${MILLISECONDS})`;
    new Worker(code, {eval: true}).on('message', () => done(true));
  },
  'node-child': (done) => {
    spawn('sleep', [String(MILLISECONDS / 1000)]).on('exit', (code) => done(code === 0));
  },
};

const realSeconds = () => parseFloat(fs.readFileSync('/proc/uptime', 'utf8'));

const name = process.argv[2];
if (!name) {
  console.log(Object.keys(waits).join('\n'));
} else {
  const faked = process.hrtime.bigint();
  const real = realSeconds();
  waits[name]((ended) => {
    const own = Number(process.hrtime.bigint() - faked) / 1e9;
    const wall = realSeconds() - real;
    console.log(JSON.stringify({wait: name, faked: own, real: Number(wall.toFixed(2)), ended}));
    const seconds = MILLISECONDS / 1000;
    // node rounds its clock to milliseconds: a timer may be early by one
    const good = ended && own >= seconds - 0.002 && own <= seconds * SPEED * 0.8 &&
        wall >= seconds / SPEED - 0.02 && wall <= seconds * 0.75;
    process.exit(good ? 0 : 1);
  });
}
