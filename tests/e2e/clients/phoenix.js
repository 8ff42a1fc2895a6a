'use strict';

const { url, WebSocket, say, run } = require('./application');
const { Socket } = require('phoenix');

const socket = new Socket(url, { transport: WebSocket });
socket.onOpen(() => say('open'));
socket.onClose(event => say('close', { code: event.code }));
socket.onError(() => say('error'));
socket.connect();
const channel = socket.channel('room:prices', {});
channel.join();
run(message => channel.push('message', message), () => socket.isConnected(),
    () => socket.disconnect(() => {}, 1000, 'done'));
