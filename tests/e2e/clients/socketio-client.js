// Only WebSocket, without the polling that socket.io begins with: what is on the wire is then what
// the proxy between sees.
'use strict';

const { url, say, connected, run } = require('./application');
const { io } = require('socket.io-client');

const socket = io(url.replace(/^ws/, 'http'), { transports: ['websocket'] });
socket.on('connect', () => {
    say('open');
    connected(topic => socket.emit('subscribe', topic));
});
socket.on('disconnect', reason => say('close', { reason }));
socket.on('connect_error', error => say('error', { why: error.message }));
run(message => socket.emit('message', message), () => socket.connected, () => socket.disconnect());
