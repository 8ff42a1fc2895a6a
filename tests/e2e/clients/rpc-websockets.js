'use strict';

const { url, say, run } = require('./application');
const { Client } = require('rpc-websockets');

const client = new Client(url);
let connected = false;
client.on('open', () => {
    connected = true;
    say('open');
});
client.on('close', code => {
    connected = false;
    say('close', { code });
});
client.on('error', error => say('error', { why: error.message }));
client.on('max_reconnects_reached', () => say('gave up'));
run(message => client.notify('message', message), () => connected, () => client.close());
