'use strict';

const { url, say, becomeBrowser, run } = require('./application');
becomeBrowser();

let connected = false;
const socket = require('sockette')(url, {
    onopen() {
        connected = true;
        say('open');
    },
    onclose(event) {
        connected = false;
        say('close', { code: event.code });
    },
    onreconnect: () => say('reconnecting'),
    onmaximum: () => say('gave up'),
    onerror: event => say('error', { why: event.message }),
});
run(message => socket.json(message), () => connected, () => socket.close());
