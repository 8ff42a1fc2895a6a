"""`waits.py NAME` waits in one of Python's ways; `waits.py` lists the names."""
import asyncio
import json
import queue
import socket
import subprocess
import sys
import threading
import time

SECONDS = 2
SPEED = 10


def event():
    return not threading.Event().wait(SECONDS)


def queue_get():
    try:
        queue.Queue().get(timeout=SECONDS)
    except queue.Empty:
        return True


def condition():
    changed = threading.Condition()
    with changed:
        return not changed.wait(SECONDS)


def timer():
    fired = threading.Event()
    threading.Timer(SECONDS, fired.set).start()
    return fired.wait(60)


def join():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return thread.is_alive()


def lock():
    held = threading.Lock()
    held.acquire()
    return not held.acquire(timeout=SECONDS)


def pinger():
    """One ping a second from a thread of its own, into a socket."""
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def run():
        while not stop.wait(0.5):
            ours.send(b"p")

    threading.Thread(target=run).start()
    theirs.settimeout(60)
    pings = sum(len(theirs.recv(1)) for _ in range(SECONDS * 2))
    stop.set()
    return pings == SECONDS * 2


def asyncio_sleep():
    asyncio.run(asyncio.sleep(SECONDS))
    return True


def asyncio_wait_for():
    async def main():
        try:
            await asyncio.wait_for(asyncio.Event().wait(), SECONDS)
        except asyncio.TimeoutError:
            return True

    return asyncio.run(main())


def settimeout():
    ours, _theirs = socket.socketpair()
    ours.settimeout(SECONDS)
    try:
        ours.recv(1)
    except socket.timeout:
        return True


def sub_process():
    return subprocess.run(["sleep", str(SECONDS)]).returncode == 0


def sub_process_timeout():
    try:
        subprocess.run(["sleep", "600"], timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return True


def time_sleep():
    time.sleep(SECONDS)
    return True


WAITS = {"python-" + f.__name__: f for f in (
    event, queue_get, condition, timer, join, lock, pinger, asyncio_sleep, asyncio_wait_for,
    settimeout, sub_process, sub_process_timeout, time_sleep)}


def real_seconds():
    with open("/proc/uptime") as uptime:
        return float(uptime.read().split()[0])


def main():
    if len(sys.argv) < 2:
        print("\n".join(WAITS))
        return 0
    wait = WAITS[sys.argv[1]]
    faked, real = time.monotonic(), real_seconds()
    ended = bool(wait())
    faked, real = time.monotonic() - faked, real_seconds() - real
    print(json.dumps({"wait": sys.argv[1], "faked": round(faked, 6), "real": round(real, 2),
                      "ended": ended}))
    # Above there is room for a busy machine; a wait that is not scaled takes SECONDS and is beyond.
    good = (ended and SECONDS - 0.001 <= faked <= SECONDS * SPEED * 0.8
            and SECONDS / SPEED - 0.02 <= real <= SECONDS * 0.75)
    return 0 if good else 1


sys.exit(main())
