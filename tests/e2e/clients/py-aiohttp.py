#!/usr/bin/python3
"""python3-aiohttp with the heartbeat its documentation shows, and a loop around it that waits longer each time.

    /usr/bin/python3 py-aiohttp.py ws://HOST:PORT/
    EVERY=300   sends a numbered message each 300 ms; without it the application only listens
"""
import asyncio
import json
import os
import random
import sys

import aiohttp

FIRST_DELAY, LONGEST_DELAY = 1, 30
LONG_ENOUGH = 10  # seconds that a connection has to last before its failures are forgotten


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


async def send_each(socket, seconds):
    number = 0
    while True:
        number += 1
        await socket.send_json({"id": number})
        await asyncio.sleep(seconds)


async def listen(session, url, seconds):
    async with session.ws_connect(url, heartbeat=30) as socket:
        say("open")
        sender = asyncio.ensure_future(send_each(socket, seconds)) if seconds else None
        async for _ in socket:
            pass
        if sender:
            sender.cancel()
        say("close", code=socket.close_code)


async def stay_connected(url, seconds):
    delay, now = FIRST_DELAY, asyncio.get_running_loop().time
    async with aiohttp.ClientSession() as session:
        while True:
            began = now()
            try:
                await listen(session, url, seconds)
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                say("error", why=repr(error))
            if now() - began > LONG_ENOUGH:
                delay = FIRST_DELAY
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(2 * delay, LONGEST_DELAY)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ws://HOST:PORT/")
    asyncio.run(stay_connected(sys.argv[1], float(os.environ.get("EVERY", 0)) / 1000))
