// The application around a library: where it connects, what it sends, what it says.
//
//   node NAME.js URL
//   EVERY=300   sends a numbered message each 300 ms while the library says it is connected;
//               without it the application is quiet, as most are most of the time
//   SUBSCRIBE=always   subscribes to two topics whenever the library is connected; once: when it
//               is connected first, and never again
//   A line `send 17` on stdin: message 17 is to be sent, whether the library is connected or not.
//   A line `close`: the application is done with its connection, and lives on.
//   WS_IMPL=undici   the WebSocket that browser libraries find; default ws
//
// Each event is a line on stdout. It runs until it is killed: a page stays open when its socket closes.
'use strict';

const { createInterface } = require('readline');

const HALF_A_DAY = 12 * 60 * 60 * 1000;

const url = process.argv[2];
if (!url) {
    console.error(`usage: node ${process.argv[1]} ws://HOST:PORT/`);
    process.exit(2);
}

const WebSocket =
    process.env.WS_IMPL === 'undici' ? require('undici').WebSocket : require('ws').WebSocket;

function say(event, facts) {
    console.log(JSON.stringify({ event, ...facts }));
}

// For the libraries written for browsers, which expect it in the global scope.
function becomeBrowser() {
    globalThis.WebSocket = WebSocket;
}

// A library may refuse a message at once or later; neither ends the application.
async function offer(send, message) {
    try {
        await send(message);
    } catch (error) {
        say('refused', { id: message.id, why: error.message });
    }
}

let timesConnected = 0;

// To be called each time the library is connected; subscribe is given a topic.
function connected(subscribe) {
    const wanted = process.env.SUBSCRIBE;
    timesConnected++;
    if (wanted === 'always' || (wanted === 'once' && timesConnected === 1))
        ['prices', 'news'].forEach(subscribe);
}

function run(send, isConnected, close) {
    const period = Number(process.env.EVERY || 0);
    let id = 0;
    setInterval(() => {
        if (period > 0 && isConnected())
            offer(send, { id: ++id });
    }, period || HALF_A_DAY);
    createInterface({ input: process.stdin }).on('line', line => {
        const asked = /^send (\d+)$/.exec(line);
        if (asked)
            offer(send, { id: Number(asked[1]) });
        else if (line === 'close')
            close();
    });
}

process.on('uncaughtException', error => {
    say('crash', { why: error.stack });
    process.exit(70);
});

module.exports = { url, WebSocket, say, becomeBrowser, connected, run };
