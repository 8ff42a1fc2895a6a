// MQTT over WebSocket with the defaults of MQTT.js; each message is published on one topic.
'use strict';

const { url, say, run } = require('./application');
const mqtt = require('mqtt');

const client = mqtt.connect(url);
client.on('connect', () => say('open'));
client.on('close', () => say('close'));
client.on('error', error => say('error', { why: error.message }));
client.subscribe('news');
run(message => client.publish('talk', JSON.stringify(message)), () => client.connected, () => client.end());
