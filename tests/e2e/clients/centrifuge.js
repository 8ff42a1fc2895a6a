'use strict';

const { url, WebSocket, say, run } = require('./application');
const { Centrifuge, State } = require('centrifuge');

const client = new Centrifuge(url, { websocket: WebSocket });
client.on('connected', () => say('open'));
client.on('connecting', ({ code, reason }) => say('connecting', { code, reason }));
client.on('disconnected', ({ code, reason }) => say('close', { code, reason }));
client.on('error', ({ error }) => say('error', { why: error.message }));
if (process.env.SUBSCRIBE)
    client.newSubscription('prices').subscribe();
client.connect();
run(message => client.send(message), () => client.state === State.Connected, () => client.disconnect());
