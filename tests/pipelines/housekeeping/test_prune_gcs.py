"""`fcn prune` of an output in a bucket: masks go one by one, the record comes first."""

import pytest

from pipelines.housekeeping.prune import Rule, prune
from pipelines.housekeeping.removal import Line
from pipelines.score import pruned
from pipelines.score.plan import PlannedNight
from tests.doubles.gcs import Bucket
from tests.drawn import night_plans
from tests.pipelines.housekeeping.conftest import OLD, TODAY

RULE = Rule(30, TODAY)


@pytest.fixture
def night(bucket: Bucket) -> PlannedNight:
    """A committed night of four photos, three of which have masks."""
    out = bucket.uri("out")
    plan, _ = night_plans.freeze(out, night_plans.photos(*range(4)), night=OLD)
    night = PlannedNight(out, plan)
    for chunk in range(plan.chunks):
        _, rows = night_plans.rows_of(night, chunk)
        for row in rows:
            if row.mask_path is not None:
                bucket.put(f"out/{row.mask_path}", b"mask")
        night_plans.write_part(night, chunk)
    night_plans.publish_night(night)
    return night


def masks_of(bucket: Bucket) -> list[str]:
    return bucket.names("out/masks/")


def test_masks_go_and_the_rest_stays(bucket: Bucket, night: PlannedNight) -> None:
    before = bucket.tree("out")
    late = f"out/masks/run_date={OLD}/00000001/chunk-00000000/late.png"
    bucket.put(late, b"late")
    lines = prune(night.out, rule=None, preview=False)
    assert lines == [Line(OLD, "unnamed mask", 1, 4)]
    assert bucket.tree("out") == before
    assert prune(night.out, rule=RULE, preview=False) == [Line(OLD, "masks", 3, 12)]
    kept = {n: d for n, d in before.items() if not n.startswith("masks/")}
    after = bucket.tree("out")
    record = night.folder.pruned.removeprefix(f"{night.out}/")
    assert record in after and after.keys() - kept.keys() == {record}
    assert {name: after[name] for name in kept} == kept


def test_what_a_killed_call_left_goes_with_the_next(
    bucket: Bucket, night: PlannedNight
) -> None:
    one = masks_of(bucket)[0]
    prune(night.out, rule=RULE, preview=False)
    bucket.put(one, b"mask")
    later = Rule(30, "2020-06-01")
    assert prune(night.out, rule=later, preview=True) == [Line(OLD, "masks", 1, 0)]
    prune(night.out, rule=later, preview=False)
    assert masks_of(bucket) == []
    record = pruned.find(night.folder)
    assert record is not None and record.pruned_on == TODAY
