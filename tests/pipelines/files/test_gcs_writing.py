"""gs:// written: whole objects, created once, whatever happens to the answers."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.files import gcs_client
from tests.doubles.fault_proxy import STALL_SECONDS, proxy
from tests.doubles.gcs import Bucket, use

STORM = {"before": 0.1, "after": 0.1, "lost": 0.1, "reset": 0.05}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    retry = gcs_client._RETRY
    monkeypatch.setattr(
        gcs_client, "_RETRY", retry.with_delay(initial=0.01, maximum=0.05)
    )


def test_written_moved_removed(bucket: Bucket) -> None:
    uri = bucket.uri("out", "a")
    files.write_atomically(uri, [b"12", b"3"])
    files.write_atomically(uri, b"456")
    files.move(uri, bucket.uri("out", "b"))
    assert bucket.tree("out") == {"b": b"456"}
    files.remove(uri)  # gone already
    with files.new_file(bucket.uri("out", "c")) as file:
        file.write(b"seven")
    with pytest.raises(KeyError), files.new_file(bucket.uri("out", "d")) as file:
        file.write(b"half")
        raise KeyError
    assert bucket.tree("out") == {"b": b"456", "c": b"seven"}
    bucket.put("outer", b"stays")
    files.remove_folder(bucket.uri("out"))
    assert bucket.names() == ["outer"]
    files.remove_folder(bucket.uri("out"))  # gone already


def test_many_files_are_written_side_by_side(bucket: Bucket) -> None:
    many = files.ManyFiles(bucket.uri("masks"))
    for number in range(40):
        many.write(bucket.uri("masks", f"{number}.png"), b"x" * number)
    many.finish()
    assert bucket.tree("masks") == {f"{n}.png": b"x" * n for n in range(40)}


def test_of_many_writers_one_creates(bucket: Bucket) -> None:
    start = threading.Barrier(16)

    def create(number: int) -> bool:
        start.wait()
        return files.create_once(bucket.uri("plan"), b"%d" % number)

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(create, range(16)))
    assert sum(won) == 1
    assert bucket.get("plan") == b"%d" % won.index(True)


def test_a_creation_whose_answer_is_lost_is_still_ours(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(bucket.address, faults=STORM, seed=3) as faulty:
        use(faulty.address, monkeypatch)
        for number in range(50):
            assert files.create_once(bucket.uri(f"o{number}"), b"ours")
            assert not files.create_once(bucket.uri(f"o{number}"), b"theirs")
        assert faulty.seen["lost"] > 2 and faulty.seen["after"] > 2
    assert {bucket.get(name) for name in bucket.names()} == {b"ours"}


def test_a_storm_is_ridden_out(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {f"in/{n:03}": b"%d " % n * 50 for n in range(30)}
    faults = {**STORM, "truncated": 0.1, "flipped": 0.1}
    with proxy(bucket.address, faults=faults, seed=5) as faulty:
        use(faulty.address, monkeypatch)
        for name, data in contents.items():
            files.write_atomically(bucket.uri(name), data)
        listed = files.walk_pinned(bucket.uri("in"), wanted=lambda _: True)
        found = {pinned.uri: pinned for pinned in listed if pinned}
        assert {bucket.uri(name) for name in contents} == set(found)
        for name, data in contents.items():
            _, version, generation = found[bucket.uri(name)]
            uri = bucket.uri(name)
            assert files.read_bytes(uri) == data
            assert files.read_photo(uri, version=version, generation=generation) == data
        assert all(faulty.seen[kind] for kind in faults)
        faulty.faults.pop("flipped")  # records and Parquet have checksums of their own
        for name, data in contents.items():
            with files.open_for_reading(bucket.uri(name)) as file:
                assert file.read() == data
    assert bucket.tree("in") == {n.removeprefix("in/"): d for n, d in contents.items()}


def test_a_stalled_answer_is_given_up_and_asked_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.files import gcs_object

    bucket.put("a", b"1")
    monkeypatch.setattr(gcs_object, "TIMEOUT", (1.0, 0.3))
    with proxy(bucket.address, faults={"stall": 0.5}, seed=2) as faulty:
        use(faulty.address, monkeypatch)
        started = time.monotonic()
        while not faulty.seen["stall"]:
            assert files.read_bytes(bucket.uri("a")) == b"1"
        assert time.monotonic() - started < STALL_SECONDS


def test_a_store_that_stays_away_is_one_line(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs_client, "_RETRY", gcs_client._RETRY.with_timeout(0.5))
    with proxy(bucket.address, faults={"before": 1.0}) as faulty:
        use(faulty.address, monkeypatch)
        with pytest.raises(SystemicFault, match="HTTP 503") as caught:
            files.read_bytes(bucket.uri("a"))
    assert "\n" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_one_line(bucket: Bucket) -> None:
    with pytest.raises(UsageError, match="got no bucket no-such-bucket") as caught:
        files.check_writable("gs://no-such-bucket/out")
    assert "\n" not in str(caught.value)
    files.check_writable(bucket.uri("out"))
    files.check_writable(bucket.uri())
    assert bucket.names() == []


def test_a_bucket_is_never_full(bucket: Bucket) -> None:
    assert files.free_bytes(bucket.uri("out")) is None
