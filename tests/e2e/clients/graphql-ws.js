'use strict';

const { url, WebSocket, say, run } = require('./application');
const { createClient } = require('graphql-ws');

// By default it gives up when a connection is refused, which to it is no Close.
const client = createClient({ url, webSocketImpl: WebSocket, lazy: false, retryAttempts: Infinity,
    shouldRetry: () => true });
client.on('connected', () => say('open'));
client.on('closed', ({ code }) => say('close', { code }));
const sink = { next() {}, error: error => say('error', { why: String(error) }), complete() {} };
client.subscribe({ query: 'subscription { price }' }, sink);
run(() => {}, () => false, () => client.dispose());
