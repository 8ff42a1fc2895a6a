// graphql-ws with a schema of one subscription: a number each second.
'use strict';

const { setTimeout: wait } = require('timers/promises');
const { WebSocketServer } = require('ws');
const { GraphQLInt, GraphQLObjectType, GraphQLSchema } = require('graphql');
const { useServer } = require('graphql-ws/use/ws');

async function* prices() {
    for (let price = 1; ; price++) {
        await wait(1000);
        yield price;
    }
}

const price = { type: GraphQLInt, resolve: number => number, subscribe: prices };
const query = new GraphQLObjectType({ name: 'Query', fields: { price: { type: GraphQLInt } } });
const subscription = new GraphQLObjectType({ name: 'Subscription', fields: { price } });
useServer({ schema: new GraphQLSchema({ query, subscription }) },
    new WebSocketServer({ port: Number(process.argv[2]), host: '127.0.0.1' }));
