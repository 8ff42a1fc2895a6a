'use strict';

const { url, say, becomeBrowser, connected, run } = require('./application');
becomeBrowser();
const ReconnectingWebSocket = require('reconnecting-websocket');

const socket = new ReconnectingWebSocket(url);
socket.addEventListener('open', () => {
    say('open');
    connected(topic => socket.send(JSON.stringify({ type: 'subscribe', topic })));
});
socket.addEventListener('close', event => say('close', { code: event.code }));
socket.addEventListener('error', event => say('error', { why: event.message }));
run(message => socket.send(JSON.stringify(message)),
    () => socket.readyState === ReconnectingWebSocket.OPEN, () => socket.close());
