// Speaks as much of Centrifugo's JSON protocol as a client needs to stay: the answer to connect
// announces a ping each 25 s, and an empty object is that ping. Who subscribes gets a publication
// each second, and what it missed when it asks for that.
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

const EPOCH = 'one';
const subscribers = new Map();
let offset = 0;

function publication(number) {
    return { data: { seq: number }, offset: number };
}

setInterval(() => {
    offset++;
    for (const [socket, channel] of subscribers)
        socket.send(JSON.stringify({ push: { channel, pub: publication(offset) } }));
}, 1000);

function answerSubscribe(socket, id, { channel, recover, offset: last = 0 }) {
    const subscribe = { recoverable: true, positioned: true, epoch: EPOCH, offset };
    if (recover) {
        subscribe.recovered = true;
        subscribe.publications = [];
        for (let number = last + 1; number <= offset; number++)
            subscribe.publications.push(publication(number));
    }
    socket.send(JSON.stringify({ id, subscribe }));
    subscribers.set(socket, channel);
    socket.on('close', () => subscribers.delete(socket));
}

new WebSocketServer({ port, host: '127.0.0.1' }).on('connection', socket => {
    socket.on('error', error => console.log(error.message));
    socket.on('message', data => {
        for (const line of String(data).trim().split('\n')) {
            const command = JSON.parse(line);
            if (command.connect)
                answerConnect(socket, command.id);
            else if (command.subscribe)
                answerSubscribe(socket, command.id, command.subscribe);
        }
    });
});
