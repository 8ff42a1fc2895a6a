// socket.io with its defaults: a ping each 25 s, 20 s for the answer.
'use strict';

const http = require('http');
const { Server } = require('socket.io');

const server = http.createServer();
new Server(server).on('connection', socket => {
    console.log('connection');
    socket.on('disconnect', reason => console.log('disconnect', reason));
});
server.listen(Number(process.argv[2]), '127.0.0.1');
