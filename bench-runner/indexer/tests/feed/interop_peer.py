"""A foreign engine: libzmq by pyzmq, msgpack by msgspec, in the shape of vLLM's ZmqEventPublisher.

usage: interop_peer.py PUB_ENDPOINT ROUTER_ENDPOINT array|map int|bytes SEED [RANK]

With RANK, the rank is added to both ports and stands in every batch. Its first line on
standard output are the prompts, as JSON. Commands come on standard input, one a line; each is
answered by one line when it is done, after one JSON line for each batch made:
  publish N        makes and publishes N batches
  lose N           makes N batches and keeps them for replay only
  lossy-replays K  leaves every Kth message of later replays out (0: none)
"""

import collections
import json
import os
import random
import sys
import time
from typing import Any, Optional, Union

import msgspec
import zmq

FORM, NAMING, SEED = sys.argv[3], sys.argv[4], int(sys.argv[5])
RANK = int(sys.argv[6]) if len(sys.argv) > 6 else None
ARRAY = FORM == "array"
BUFFER_BATCHES, END = 10_000, (-1).to_bytes(8, "big", signed=True)
BLOCK, BLOCKS, PROMPTS = 16, 12, 24
Hash = Union[bytes, int]


class Batch(msgspec.Struct, array_like=ARRAY, omit_defaults=True, gc=False):
    ts: float
    events: list[Any]
    data_parallel_rank: Optional[int] = None


class Event(msgspec.Struct, array_like=ARRAY, omit_defaults=True, gc=False, tag=True):
    pass


class BlockStored(Event):
    block_hashes: list[Hash]
    parent_block_hash: Optional[Hash]
    token_ids: list[int]
    block_size: int
    lora_id: Optional[int] = None
    medium: Optional[str] = None
    lora_name: Optional[str] = None


class BlockRemoved(Event):
    block_hashes: list[Hash]
    medium: Optional[str] = None


class AllBlocksCleared(Event):
    pass


def offset(endpoint, rank):
    base, port = endpoint.rsplit(":", 1)
    return f"{base}:{int(port) + (rank or 0)}"


def tokens(prompt, block):
    """Four prompts share their first four blocks; every process makes the same prompts."""
    draw = random.Random((prompt // 4 if block < 4 else 1000 + prompt) * 100 + block)
    return [draw.randrange(150_000) for _ in range(BLOCK)]


class Engine:
    def __init__(self):
        # Another process names its blocks otherwise, as engines do.
        self.random = random.Random(SEED)
        self.salt = self.random.getrandbits(64)
        self.held = set()

    def names(self, prompt):
        state, names = self.salt, []
        for block in range(BLOCKS):
            state = hash((state, tuple(tokens(prompt, block)), self.adapter(prompt)))
            # Signed and unsigned 64-bit integers are both in the field.
            names.append(state.to_bytes(8, "big", signed=True) * 4 if NAMING == "bytes" else state)
        return names

    def adapter(self, prompt):
        return "sql" if prompt % 6 == 5 else None

    def event(self):
        chance, prompt = self.random.random(), self.random.randrange(PROMPTS)
        if chance < 0.004:
            self.held.clear()
            return AllBlocksCleared()
        names, medium = self.names(prompt), self.random.choice([None, "GPU", "CPU"])
        if chance < 0.3:
            name = self.random.choice(names)
            self.held.discard((name, medium == "CPU"))
            return BlockRemoved([name], medium)
        start = self.random.randrange(BLOCKS)
        while start and not self.holds(names[start - 1]):
            start -= 1
        end = min(BLOCKS, start + self.random.randrange(1, 5))
        self.held.update((name, medium == "CPU") for name in names[start:end])
        parent = names[start - 1] if start else None
        run = [token for block in range(start, end) for token in tokens(prompt, block)]
        adapter = self.adapter(prompt)
        number = 1 if adapter else None
        return BlockStored(names[start:end], parent, run, BLOCK, number, medium, adapter)

    def holds(self, name):
        return (name, False) in self.held or (name, True) in self.held


def plain(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, int):
        return {"int": value % 2**64}
    return value


def account(event):
    """The event as the test reads it, by a way that has nothing to do with msgpack."""
    said = {"kind": type(event).__name__, "names": [plain(n) for n in getattr(event, "block_hashes", [])]}
    for key in ("token_ids", "medium", "lora_name"):
        said[key] = getattr(event, key, None)
    said["parent"] = plain(getattr(event, "parent_block_hash", None))
    return said


context = zmq.Context()
pub, router = context.socket(zmq.PUB), context.socket(zmq.ROUTER)
pub.set_hwm(100_000)
pub.bind(offset(sys.argv[1], RANK))
router.bind(offset(sys.argv[2], RANK))
poller = zmq.Poller()
poller.register(router, zmq.POLLIN)
poller.register(sys.stdin.fileno(), zmq.POLLIN)

encoder, engine = msgspec.msgpack.Encoder(), Engine()
kept, seq, every, commands = collections.deque(maxlen=BUFFER_BATCHES), 0, 0, b""


def make(count, published):
    global seq
    for _ in range(count):
        events = [engine.event() for _ in range(engine.random.randrange(1, 4))]
        payload = encoder.encode(Batch(time.time(), events, RANK))
        number = seq.to_bytes(8, "big")
        seq += 1
        if published:
            pub.send_multipart((b"kv-events", number, payload))
        kept.append((number, payload))
        print(json.dumps([account(event) for event in events]))


def replay():
    client, empty, start = router.recv_multipart()
    sent = 0
    for number, payload in kept:
        if number >= start:
            sent += 1
            if every == 0 or sent % every:
                router.send_multipart((client, b"", number, payload))
    router.send_multipart((client, b"", END, b""))


print(json.dumps([sum((tokens(p, b) for b in range(BLOCKS)), []) for p in range(PROMPTS)]), flush=True)
while True:
    ready = dict(poller.poll())
    if router in ready:
        replay()
    if sys.stdin.fileno() in ready:
        read = os.read(sys.stdin.fileno(), 4096)
        if not read:
            break
        commands += read
        while b"\n" in commands:
            command, commands = commands.split(b"\n", 1)
            word, number = command.split()
            if word == b"lossy-replays":
                every = int(number)
            else:
                make(int(number), word == b"publish")
            print(f"done {seq}", flush=True)
