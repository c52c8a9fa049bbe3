"""Lanes around a device in tests: words for photos, in slots as pixels are.

A word says what befalls a lane and where, `abort@device`: when it is `before` the
device, on the `device` or `after` it. On the device it may be early, before anything of
the batch is read, or late, when all is written. What a row becomes shows that it is its
own: the word in capitals.
"""

import os
import time
from collections.abc import Sequence

from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.messages import Header
from tests.doubles.lane import Answer, Perils

HEIGHT = 8
_BYTES = 3 * HEIGHT * HEIGHT


class _AroundArena(Perils):
    def __init__(self, config: Header):
        super().__init__(config)
        self._arena = Arena(**config["arena"])
        self._memory = self._arena.map()

    def read(self, start: int) -> str:
        return bytes(self._memory[start : start + _BYTES]).rstrip(b"\0").decode()

    def write(self, start: int, word: str) -> None:
        self._memory[start : start + _BYTES] = word.encode().ljust(_BYTES, b"\0")

    def suffer(self, word: str, where: str) -> None:
        peril, _, place = word.partition("@")
        if place.partition("#")[0] == where:
            self._note(f"begin {word}")
            if peril == "memory":
                raise MemoryError
            while peril == "wait" and not self._beside("go").exists():
                time.sleep(0.02)
            self._do(peril)


class Around(_AroundArena):
    """Writes a word into a slot for each model, and reads what they made of it."""

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        slot = header["slot"]
        start = None if slot is None else slot * self._arena.slot_bytes
        models = self._config.get("models", 1)
        places = [(n, 2 * n * _BYTES, (2 * n + 1) * _BYTES) for n in range(models)]
        if start is not None and "photo" in header:
            word = header["photo"]
            self.suffer(word, "after")
            found = {self.read(start + place) for _, _, place in places}
            return {"word": word, "found": sorted(found), "pid": os.getpid()}, []
        word = blobs[0].decode()
        self.suffer(word, "before")
        if start is not None:
            for _, place, made in places:
                self.write(start + place, word)
                self.write(start + made, "nothing")
        height = HEIGHT * (1 + len(word) % 2)
        rows = [[n, height, HEIGHT, *both] for n, *both in places]
        return {"photo": word, "rows": rows}, []


class Device(_AroundArena):
    """Writes the words of a batch in capitals; has memory for some rows only."""

    def __init__(self, config: Header):
        super().__init__(config)
        if config.get("gone"):
            raise RuntimeError("CUDA error: no device")

    def __call__(self, header: Header, blobs: Sequence[bytes]) -> Answer:
        del blobs
        size, rows = header["size"][0], header["rows"]
        if self._beside("lost").exists():
            raise RuntimeError("CUDA error: the device is lost")
        if self._beside("dead").exists():
            os.abort()
        words = [self.read(pixels) for pixels, _ in rows]
        self._note(f"begin batch {size} {header['model']} {','.join(words)}")
        for word in words:
            self.suffer(word, "early")
        if size > self._config.get("memory_rows", 1000):
            raise MemoryError
        for word, (_, made) in zip(words, rows, strict=True):
            self.suffer(word, "device")
            self.write(made, word.upper())
        for word in words:
            self.suffer(word, "late")
        return {}, []
