"""The pool of lanes around devices: photos in, rows out, pixels and logits in slots.

A photo takes three steps. A decoding lane decodes it into a slot; a device's lane reads
the pixels there, in a batch with others, and writes logits; a decoding lane, often
another, makes the photo's row of them. The worker passes on where things lie, in tiny
messages, and keeps the table of slots: whatever dies, the table says what each holds.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from fcn_core.scoring import gpus
from pipelines.faults import SystemicFault
from pipelines.lanes.caller import Caller, Done, Key, Replies, Work
from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.gpu.batches import Batches
from pipelines.lanes.gpu.board import Board, Step
from pipelines.lanes.gpu.driver import DeviceDriver
from pipelines.lanes.gpu.photos import Photo, Row
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.gpu.slots import SlotState, SlotTable
from pipelines.lanes.lane import Lane
from pipelines.lanes.memory import KernelKills, MemoryLimit
from pipelines.lanes.messages import Answer, Garbled, Request
from pipelines.lanes.settings import LaneLimits, LaneSettings
from pipelines.lanes.trial import Trials

_JOIN_SECONDS: Final = 5.0

_How = Answer | Work | BaseException
"""What became known of a photo: its answer, that it has to wait, or a fault."""


class DevicePool:
    """Decoding lanes and the lanes of devices, one permanent thread each.

    Args:
        settings: What the decoding lanes run, and how many.
        device: What the devices' lanes run.
        kernel_kills: As for `pool.LanePool`.
    """

    def __init__(
        self,
        settings: LaneSettings,
        device: DeviceSettings,
        *,
        kernel_kills: Callable[[], int] | None = None,
    ):
        self.settings = settings
        kills = kernel_kills or KernelKills()
        self._arena = Arena.create(device.slots(settings.count), device.slot_bytes)
        shared = replace(
            settings,
            config={**settings.config, "arena": asdict(self._arena)},
            inherited=(self._arena.descriptor,),
        )
        self._limit = MemoryLimit.find()
        self._lanes = [Lane(shared, kills) for _ in range(settings.count)]
        self._trials = Trials(self._lanes, self._is_memory_short)
        self._table = SlotTable(self._arena.slots)
        self._board = Board(self._table, settings.count)
        self._batches = Batches(device, self._board.is_starved)
        self._drivers = [
            DeviceDriver(
                name,
                Lane(_of_device(shared, device, name), kills),
                batches=self._batches,
                begun=self._begin,
                done=self._computed,
            )
            for name in device.names
        ]
        self._lock = threading.Lock()
        self._open: set[Photo] = set()
        self._fault: BaseException | None = None
        self._threads = [
            *(self._thread("lane", self._decode, lane) for lane in self._lanes),
            *(self._thread("device", self._compute, each) for each in self._drivers),
        ]
        for thread in self._threads:
            thread.start()

    def _thread(self, name: str, run: Callable[..., None], what: Any) -> Any:
        return threading.Thread(target=run, args=[what], name=name, daemon=True)

    @property
    def ahead(self) -> int:
        """How many items it may hold at once: one a slot, and two a lane to come."""
        return self._arena.slots + 2 * self.settings.count

    def answer(
        self, items: Iterable[tuple[Key, Request | Answer]]
    ) -> Iterator[tuple[Key, Answer]]:
        """Yields answers as they come; see `pool.LanePool.answer`."""
        caller = Caller(self._put, self._trials)
        yield from caller.answers(self._until_over(items), depth=self.ahead)

    def _until_over(
        self, items: Iterable[tuple[Key, Request | Answer]]
    ) -> Iterator[tuple[Key, Request | Answer]]:
        """Yields items; devices need not wait for more of them after the last one."""
        self._board.begin()
        try:
            yield from items
        finally:
            self._board.end()
            self._batches.add([])

    def _put(self, work: Work) -> None:
        photo = work.state if isinstance(work.state, Photo) else Photo(work)
        work.state = photo
        with self._lock:
            fault = self._fault
            self._open.add(photo)
        if fault is not None:
            work.replies.put([fault])
        else:
            self._board.prepare(photo)

    def _is_memory_short(self) -> bool:
        wanted = self.settings.limits.memory_bytes
        if self._limit is None or wanted is None:
            return False
        return self._limit.free_bytes(wanted) < wanted

    def _decode(self, lane: Lane) -> None:
        """Runs a decoding lane until the pool is closed."""
        lane.start_early()
        while steps := self._board.next():
            self._take(lane, deque(steps))
        lane.close()

    def _take(self, lane: Lane, steps: deque[Step]) -> None:
        """Has a lane do what the board says."""
        cases = [
            photo.before if state is SlotState.FILLING else photo.to_finish()
            for photo, state in steps
        ]
        rows, ended = list[Row](), list[tuple[Photo, _How]]()
        try:
            for answer in self._trials.ask_together(lane, cases):
                photo, state = steps[0]
                if answer is None:
                    ended.append((photo, photo.work))
                elif state is SlotState.FILLING and answer.bad is None:
                    rows += self._prepared(photo, answer)
                else:
                    ended.append((photo, answer))
                steps.popleft()
        except BaseException as fault:
            ended += [(photo, fault) for photo, _ in steps]
        self._end(ended)
        self._batches.add(rows)

    def _prepared(self, photo: Photo, answer: Answer) -> list[Row]:
        """Returns the rows of a photo that was decoded."""
        assert photo.slot is not None
        try:
            rows = photo.prepared(answer.reply, self._arena)
        except Garbled as error:
            raise SystemicFault(f"{photo.name}: {error}; this is a bug") from error
        self._table.move([photo.slot], SlotState.READY)
        return rows

    def _begin(self, rows: Sequence[Row]) -> None:
        self._move([row.photo for row in rows], SlotState.COMPUTING)

    def _computed(self, rows: Sequence[Row], bad: Answer | None) -> None:
        """Takes rows from a device."""
        photos = [row.photo for row in rows if row.photo.row_done(bad)]
        self._end([(p, p.bad) for p in photos if p.bad is not None])
        done = [photo for photo in photos if photo.bad is None]
        self._move(done, SlotState.DONE)
        self._board.finish(done)

    def _move(self, photos: Sequence[Photo], state: SlotState) -> None:
        slots = [photo.slot for photo in photos]
        self._table.move([slot for slot in slots if slot is not None], state)

    def _end(self, ended: Sequence[tuple[Photo, _How]]) -> None:
        """Gives photos back to their callers, and their slots to others."""
        photos = [photo for photo, _ in ended]
        self._board.release(photos)
        with self._lock:
            self._open.difference_update(photos)
        replies = dict[Replies, list[Done | Work | BaseException]]()
        for photo, how in ended:
            work = photo.work
            found = (work.key, how) if isinstance(how, Answer) else how
            replies.setdefault(work.replies, []).append(found)
        for queue, known in replies.items():
            queue.put(known)

    def _compute(self, driver: DeviceDriver) -> None:
        """Runs a device until the pool is closed; its fault is everybody's."""
        try:
            driver.run()
        except BaseException as fault:
            with self._lock:
                self._fault = fault
                waiting, self._open = self._open, set()
            self._close()
            for photo in waiting:
                photo.work.replies.put([fault])

    def _close(self) -> None:
        self._board.close()
        self._batches.close()

    def close(self) -> None:
        """Ends all lanes once their open requests are done."""
        self._close()
        for thread in self._threads:
            thread.join(timeout=_JOIN_SECONDS)
        self._arena.close()


def _of_device(shared: LaneSettings, device: DeviceSettings, name: str) -> LaneSettings:
    """Returns what the lane of one device runs."""
    visible = "" if name == "cpu" else name
    return replace(
        shared,
        task=device.task,
        config={**shared.config, "device": name},
        lanes=1,
        limits=LaneLimits(
            cpu_seconds=1e9, memory_bytes=None, silence_seconds=device.silence_seconds
        ),
        environment=((gpus.VISIBLE, visible), gpus.BY_BUS),
    )
