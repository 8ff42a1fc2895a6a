// socket.io with its defaults: a ping each 25 s, 20 s for the answer. Who subscribes gets a numbered
// event each second.
'use strict';

const http = require('http');
const { Server } = require('socket.io');

const server = http.createServer();
const io = new Server(server);
let seq = 0;
setInterval(() => io.to('prices').emit('event', { seq: ++seq }), 1000);
io.on('connection', socket => {
    console.log('connection');
    socket.on('subscribe', topic => socket.join(topic));
    socket.on('disconnect', reason => console.log('disconnect', reason));
});
server.listen(Number(process.argv[2]), '127.0.0.1');
