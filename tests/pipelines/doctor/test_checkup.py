"""Checks run side by side; one that fails, hangs or refuses is told apart."""

import threading
import time

import pytest

from pipelines.doctor.checkup import examine, of_fault
from pipelines.doctor.finding import Check, Finding
from pipelines.faults import SystemicFault, UsageError


def _fine(name: str) -> Check:
    return Check(name, lambda: Finding("ok", name, "fine"))


def test_findings_keep_the_order_of_the_checks() -> None:
    def slow() -> Finding:
        time.sleep(0.05)
        return Finding("ok", "slow", "fine")

    found = examine([Check("slow", slow), _fine("fast")])
    assert [finding.check for finding in found] == ["slow", "fast"]


def test_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=3)

    def look() -> Finding:
        meeting.wait()  # passed only if all three are there at once
        return Finding("ok", "x", "fine")

    found = examine([Check("x", look)] * 3)
    assert {finding.level for finding in found} == {"ok"}


def test_what_hangs_is_a_warning_and_holds_nobody_up() -> None:
    never = threading.Event()

    def hang() -> Finding:
        never.wait(30)
        raise AssertionError

    start = time.monotonic()
    hung, fine = examine([Check("hangs", hang), _fine("fast")], seconds=0.2)
    never.set()
    assert time.monotonic() - start < 5
    assert (hung.level, hung.check, fine.level) == ("warning", "hangs", "ok")
    assert "no answer" in hung.detail
    assert hung.cure


def test_what_raises_is_a_warning_that_names_the_error() -> None:
    def fail() -> Finding:
        raise ZeroDivisionError("by\nzero")

    (found,) = examine([Check("fails", fail)])
    assert found.level == "warning"
    assert "ZeroDivisionError: by zero" in found.detail


def test_a_library_that_does_not_load_is_wrong() -> None:
    def fail() -> Finding:
        raise ImportError("libtbb.so.12: cannot open shared object file")

    (found,) = examine([Check("openvino", fail)])
    assert found.level == "wrong"
    assert "libtbb.so.12" in found.detail
    assert found.cure


def test_a_fault_is_wrong_and_brings_its_cure() -> None:
    def fail() -> Finding:
        raise SystemicFault("server: got a; b, expected c; start it")

    (found,) = examine([Check("server", fail)])
    expected = Finding("wrong", "server", "server: got a; b, expected c", "start it")
    assert found == expected


def test_a_fault_without_a_cure_keeps_its_text() -> None:
    found = of_fault("x", UsageError("all of it"))
    assert (found.level, found.detail) == ("wrong", "all of it")


def test_what_happens_meanwhile_may_end_the_checkup() -> None:
    def refuse() -> None:
        raise UsageError("--rnner: got an unknown flag")

    with pytest.raises(UsageError, match="--rnner"):
        examine([_fine("fast")], meanwhile=refuse)


def test_checks_have_time_after_what_happens_meanwhile() -> None:
    done = threading.Event()

    def look() -> Finding:
        assert done.wait(10)
        return Finding("ok", "waits", "fine")

    def load() -> None:
        time.sleep(0.3)
        done.set()

    (found,) = examine([Check("waits", look)], meanwhile=load, seconds=0.25)
    assert found.level == "ok"
