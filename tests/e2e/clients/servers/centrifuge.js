// Speaks as much of Centrifugo's JSON protocol as a client needs to stay: the answer to connect
// announces a ping each 25 s, and an empty object is that ping.
'use strict';

const { WebSocketServer } = require('ws');

const PING_SECONDS = 25;
const port = Number(process.argv[2]);

function answerConnect(socket, id) {
    const connect = { client: 'client', version: '0', ping: PING_SECONDS, pong: true };
    socket.send(JSON.stringify({ id, connect }));
    const beat = setInterval(() => socket.send('{}'), PING_SECONDS * 1000);
    socket.on('close', () => clearInterval(beat));
}

new WebSocketServer({ port, host: '127.0.0.1' }).on('connection', socket => {
    socket.on('error', error => console.log(error.message));
    socket.on('message', data => {
        for (const line of String(data).trim().split('\n')) {
            const command = JSON.parse(line);
            if (command.connect)
                answerConnect(socket, command.id);
        }
    });
});
