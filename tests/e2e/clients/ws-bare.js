// ws, the plain library: whatever happens next is up to the application, and this one does nothing.
'use strict';

const { url, say, run } = require('./application');
const { WebSocket } = require('ws');

const socket = new WebSocket(url);
socket.on('open', () => say('open'));
socket.on('close', code => say('close', { code }));
socket.on('error', error => say('error', { why: error.message }));
run(message => socket.send(JSON.stringify(message)), () => socket.readyState === WebSocket.OPEN,
    () => socket.close());
