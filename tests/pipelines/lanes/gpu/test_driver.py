"""Deaths on the device: the right photo is blamed, the others are computed."""

import pytest

from pipelines.faults import SystemicFault
from tests.runs.device_runs import DevicePools, ask, good, reasons

PERILS = {
    "segfault": "inference-error",
    "abort": "inference-error",
    "exit 1": "inference-error",
    "bad": "inference-error",
    "memory": "out-of-memory",
    "killed-once": None,
}


def blame_one(start_device: DevicePools, peril: str, place: str) -> None:
    """Asks about a word among good ones; it alone must be bad, after two tries."""
    word = f"{peril}@{place}"
    found = ask(start_device(batch=2), *good(2), word, *good(5)[2:])
    expected = PERILS[peril]
    assert reasons(found) == ({word: expected} if expected else {})
    if expected is None:
        return
    detail = found[word].bad
    assert detail is not None
    assert detail.detail.startswith("twice, alone: ")
    assert detail.stage == "score"
    alone = [rows for _, _, rows in start_device.batches() if rows == [word]]
    # Alone in a batch for several it may have been found that there was no memory.
    assert len(alone) in ((2, 3) if peril == "memory" else (2,))


@pytest.mark.parametrize(
    ("peril", "place"),
    [
        ("abort", "device"),
        ("bad", "late"),
        ("memory", "early"),
        ("killed-once", "late"),
    ],
)
def test_one_photo_of_a_batch_is_blamed(
    start_device: DevicePools, peril: str, place: str
) -> None:
    blame_one(start_device, peril, place)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["early", "device", "late"])
@pytest.mark.parametrize("peril", PERILS)
def test_whatever_happens_on_the_device_the_right_photo_is_blamed(
    start_device: DevicePools, peril: str, place: str
) -> None:
    blame_one(start_device, peril, place)


@pytest.mark.slow
def test_a_photo_that_hangs_the_device_is_blamed(start_device: DevicePools) -> None:
    pool = start_device(batch=2, silence_seconds=1.5)
    found = ask(pool, *good(3), "sleep@device")
    assert reasons(found) == {"sleep@device": "inference-error"}
    bad = found["sleep@device"].bad
    assert bad is not None
    assert bad.detail == "twice, alone: no answer in time"


@pytest.mark.slow
def test_several_bad_photos_of_one_batch_are_all_found(
    start_device: DevicePools,
) -> None:
    bad = ["abort@device#1", "segfault@early#2", "bad@late#3"]
    found = ask(start_device(batch=8), *bad, *good(5))
    assert reasons(found) == dict.fromkeys(bad, "inference-error")


def test_batches_stay_smaller_where_memory_is_short(start_device: DevicePools) -> None:
    words = [word for word in good(60) if len(word) % 2]
    assert reasons(ask(start_device(batch=8, memory_rows=3), *words)) == {}
    sizes = [size for size, _, _ in start_device.batches()]
    assert sizes[: sizes.index(2)] in ([8, 4], [8, 4, 4])
    assert set(sizes[sizes.index(2) :]) == {2}


@pytest.mark.slow
def test_batches_of_another_model_do_not_shrink(start_device: DevicePools) -> None:
    words = good(20)
    pool = start_device(batch=4, models=2)
    ask(pool, *words, "memory@device")
    sizes = {(model, size) for size, model, _ in start_device.batches()}
    # The word is in both models' batches, so both were short of memory once.
    assert {size for _, size in sizes} == {4, 2, 1}


def test_without_memory_for_one_photo_it_is_the_device(
    start_device: DevicePools,
) -> None:
    with pytest.raises(SystemicFault, match="even for an empty picture") as caught:
        ask(start_device(memory_rows=0), *good(4))
    assert "\n" not in f"{caught.value}"


def test_a_device_that_does_not_come_back_is_a_fault(start_device: DevicePools) -> None:
    pool = start_device(batch=2)
    ask(pool, *good(3))
    start_device.journal.with_name("dead").touch()
    with pytest.raises(SystemicFault, match="device 0: got no answer even for an empt"):
        ask(pool, *good(6))


def test_who_is_killed_from_outside_blames_nobody(start_device: DevicePools) -> None:
    with pytest.raises(SystemicFault, match=r"killed again and again.*no photo is to"):
        ask(start_device(batch=2), *good(4), "killed@device")
