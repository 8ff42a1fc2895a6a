// As much of Phoenix's channels (version 2 of the protocol) as a client needs: each message is
// answered with ok, and who joined gets an event each second.
'use strict';

const { WebSocketServer } = require('ws');

const joined = new Map();
let seq = 0;

setInterval(() => {
    seq++;
    for (const [socket, topic] of joined)
        socket.send(JSON.stringify([null, null, topic, 'price', { seq }]));
}, 1000);

new WebSocketServer({ port: Number(process.argv[2]), host: '127.0.0.1' }).on('connection', socket => {
    socket.on('error', error => console.log(error.message));
    socket.on('close', () => joined.delete(socket));
    socket.on('message', data => {
        const [joinRef, ref, topic, event] = JSON.parse(data);
        const reply = { status: 'ok', response: {} };
        socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', reply]));
        if (event === 'phx_join')
            joined.set(socket, topic);
    });
});
