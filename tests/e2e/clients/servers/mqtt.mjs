// The MQTT broker aedes behind a WebSocket.
import { Aedes } from 'aedes';
import { WebSocketServer, createWebSocketStream } from 'ws';

const broker = await Aedes.createBroker();
const server = new WebSocketServer({
    port: Number(process.argv[2]),
    host: '127.0.0.1',
    handleProtocols: offered => [...offered][0],
});
server.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket);
    stream.on('error', error => console.log(error.message));
    broker.handle(stream, request);
});
