#!/usr/bin/python3
"""python3-websockets in its documented loop, "async for ... in connect(url)".

    /usr/bin/python3 py-websockets.py ws://HOST:PORT/
    EVERY=300   sends a numbered message each 300 ms; without it the application only listens
"""
import asyncio
import json
import os
import sys

import websockets


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


async def send_each(socket, seconds):
    number = 0
    while True:
        number += 1
        await socket.send(json.dumps({"id": number}))
        await asyncio.sleep(seconds)


async def listen(socket):
    async for _ in socket:
        pass


async def stay_connected(url, seconds):
    async for socket in websockets.connect(url):
        say("open")
        sender = asyncio.ensure_future(send_each(socket, seconds)) if seconds else None
        try:
            await listen(socket)
        except websockets.ConnectionClosed as error:
            say("error", why=str(error))
        finally:
            if sender:
                sender.cancel()
        say("close", code=socket.close_code)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ws://HOST:PORT/")
    asyncio.run(stay_connected(sys.argv[1], float(os.environ.get("EVERY", 0)) / 1000))
