"""Each model's precision: looked up by processor and card, spelt in a word a night."""

from collections.abc import Sequence
from typing import Any

import pytest

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.int8_form import Int8Form
from fcn_core.scoring import arithmetic, precisions
from fcn_core.scoring.arithmetic import Arithmetic
from fcn_core.scoring.gpus import Gpu
from tests.drawn import tiny_int8, tiny_models

AVX2 = frozenset({"avx", "avx2"})
VNNI = AVX2 | {"avx512f", "avx512_vnni"}
AMX = VNNI | {"avx512_bf16", "amx_bf16", "amx_int8"}
ARM = frozenset({"asimd", "asimddp", "bf16"})

F32, BF16, INT8 = "f32", "bf16", "int8"


@pytest.fixture
def has(monkeypatch: pytest.MonkeyPatch) -> Any:
    def has(flags: frozenset[str], gpu: str | None = None) -> None:
        monkeypatch.setattr(arithmetic, "_cpu_flags", lambda: flags)
        found = None if gpu is None else Gpu("0", 0.0, gpu)
        monkeypatch.setattr(arithmetic, "_gpu", lambda: found)

    return has


def card(
    task: str = "segmentation",
    *,
    int8: bool = True,
    loss: float = 0.001,
    ranks: float = 0.999,
    **changes: Any,
) -> ModelCard:
    """A card of a model with an int8 form of such figures, or without one."""
    plain = tiny_models.draw_card(task, network="a" * 64, **changes)
    if not int8:
        return plain
    form = Int8Form(
        calibration=tiny_int8.CALIBRATION,
        network="b" * 64,
        compared=tiny_int8.compared(plain, loss=loss, ranks=ranks),
    )
    return plain.model_copy(update={"int8": form})


def words(found: Sequence[Arithmetic]) -> list[str]:
    return [f"{each.precision} {each.instruction_set}" for each in found]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (AVX2, "int8 avx2"),
        (AVX2 | {"avx_vnni"}, "int8 avx2_vnni"),
        (AVX2 | {"avx512f"}, "int8 avx512"),
        (VNNI, "int8 avx512_vnni"),
        (VNNI | {"avx512_bf16"}, "int8 avx512_vnni"),
        (AMX, "bf16 amx_bf16"),
        (ARM, "bf16 arm_bf16"),
        (ARM - {"bf16"}, None),
    ],
)
def test_auto_is_int8_where_that_is_faster(
    has: Any, flags: frozenset[str], expected: str | None
) -> None:
    has(flags)
    (found,) = precisions.resolve_precisions([card()])
    assert found.precision == "f32" if expected is None else words([found])[0]
    if expected is not None:
        assert words([found]) == [expected]


def test_auto_is_bf16_only_where_that_is_fast(has: Any) -> None:
    without = [card(int8=False)]
    has(VNNI | {"avx512_bf16"})
    assert words(precisions.resolve_precisions(without)) == ["f32 avx512"]
    asked = precisions.resolve_precisions(without, precision=BF16)
    assert words(asked) == ["bf16 avx512_bf16"]
    has(AMX)
    assert words(precisions.resolve_precisions(without)) == ["bf16 amx_bf16"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (card(loss=0.005), INT8),
        (card(loss=0.0051), F32),
        (card(loss=-0.2), INT8),
        (card(loss=float("nan")), F32),
        (card(int8=False), F32),
        (card("aesthetics", ranks=0.995), INT8),
        (card("aesthetics", ranks=0.9949), F32),
        (card("aesthetics", ranks=float("nan")), F32),
        (card("aesthetics", int8=False), F32),
    ],
)
def test_auto_is_int8_where_the_card_says_it_costs_little(
    has: Any, model: ModelCard, expected: str
) -> None:
    has(AVX2)
    assert precisions.resolve_precisions([model])[0].precision == expected


def test_a_form_that_nobody_measured_is_not_taken_by_auto(has: Any) -> None:
    has(AVX2)
    model = card()
    assert model.int8 is not None
    form = model.int8.model_copy(update={"compared": []})
    model = model.model_copy(update={"int8": form})
    assert precisions.resolve_precisions([model])[0].precision == F32
    assert precisions.resolve_precisions([model], precision=INT8)[0].precision == INT8


def test_a_model_of_two_tasks_needs_both(has: Any) -> None:
    has(AVX2)
    head = {"ratings": {"rating_bins": tiny_models.BINS, "logits_stride": 16}}
    for figures, expected in (
        ({"loss": 0.0, "ranks": 0.999}, INT8),
        ({"loss": 0.01, "ranks": 0.999}, F32),
        ({"loss": 0.0, "ranks": 0.9}, F32),
    ):
        model = card(**head, **figures)  # type: ignore[arg-type]
        assert precisions.resolve_precisions([model])[0].precision == expected
    bad = card(**head, ranks=0.9)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"ranks photos otherwise in int8 \(0\.900"):
        precisions.resolve_precisions([bad], precision=INT8)


def test_models_of_one_night_may_differ(has: Any) -> None:
    models = [card(), card("aesthetics", int8=False), card("technical", ranks=0.9)]
    has(VNNI)
    for precision in ("auto", INT8):
        found = precisions.resolve_precisions(models, precision=precision)
        assert words(found) == ["int8 avx512_vnni", "f32 avx512", "f32 avx512"]
    has(AMX)
    found = precisions.resolve_precisions(models, precision=INT8)
    assert words(found) == ["int8 amx_int8", "f32 avx512", "f32 avx512"]
    found = precisions.resolve_precisions(models)
    assert words(found) == ["bf16 amx_bf16"] * 3
    has(AVX2, "NVIDIA T4")
    found = precisions.resolve_precisions(models)
    assert words(found) == ["f32 NVIDIA T4"] * 3


@pytest.mark.parametrize("precision", [F32, BF16])
def test_a_precision_that_is_named_is_everybodys(has: Any, precision: str) -> None:
    has(AMX)
    found = precisions.resolve_precisions(
        [card(), card("aesthetics")], "auto", precision
    )
    assert [each.precision for each in found] == [precision] * 2


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            [card(int8=False)],
            r"tiny-segmentation@1 has no int8 form.*fcn export --int8",
        ),
        ([card("aesthetics", int8=False)], "has no int8 form"),
        ([card("aesthetics", ranks=0.5)], r"ranks photos otherwise in int8 \(0\.500"),
        ([card("aesthetics"), card(int8=False)], "tiny-segmentation@1 has no int8"),
    ],
)
def test_int8_that_no_model_can_is_refused_in_a_line(
    has: Any, models: list[ModelCard], message: str
) -> None:
    has(AVX2)
    with pytest.raises(ModelError, match=message) as refused:
        precisions.resolve_precisions(models, precision=INT8)
    assert "\n" not in str(refused.value)


def test_masks_in_int8_that_cost_much_are_computed_if_asked_for(has: Any) -> None:
    has(AVX2)
    (found,) = precisions.resolve_precisions([card(loss=0.3)], precision=INT8)
    assert found.precision == INT8


@pytest.mark.parametrize(
    ("instructions", "beside"),
    [
        ("amx_int8", "avx512"),
        ("avx512_vnni", "avx512"),
        ("avx2_vnni", "avx2"),
        ("avx2", "avx2"),
        ("something new", "something new"),
    ],
)
def test_another_machines_instructions_are_named_once(
    has: Any, instructions: str, beside: str
) -> None:
    has(frozenset())
    models = [card(), card("aesthetics", int8=False)]
    found = precisions.resolve_precisions(
        models, "openvino", INT8, instruction_set=instructions
    )
    assert words(found) == [f"int8 {instructions}", f"f32 {beside}"]
    for words_of_ours in (("auto", F32), ("openvino", "auto")):
        with pytest.raises(ModelError, match="expected both named"):
            precisions.resolve_precisions(
                models, *words_of_ours, instruction_set="avx2"
            )


@pytest.mark.parametrize("flags", [AVX2, VNNI, AMX, AVX2 | {"avx_vnni"}, ARM])
@pytest.mark.parametrize("precision", ["auto", INT8, F32])
def test_what_is_joined_can_be_split(
    has: Any, flags: frozenset[str], precision: str
) -> None:
    has(flags)
    models = [card(), card("aesthetics", int8=False), card("technical")]
    for some in (models, models[:1], models[1:]):
        found = precisions.resolve_precisions(some, precision=precision)
        joined = precisions.join(found)
        again = precisions.split("openvino", *joined, count=len(some))
        assert again == found


def test_words_of_a_plan(has: Any) -> None:
    int8, f32 = (
        Arithmetic("openvino", "int8", "avx512_vnni"),
        Arithmetic("openvino", "f32", "avx512"),
    )
    assert precisions.join([int8, f32, f32]) == ("int8+f32+f32", "avx512_vnni")
    assert precisions.join([int8]) == ("int8", "avx512_vnni")
    assert precisions.join([f32, f32]) == ("f32", "avx512")
    with pytest.raises(ModelError, match="'int8\\+f32' for 3 models"):
        precisions.split("openvino", "int8+f32", "avx2", count=3)


def test_precisions_for_people() -> None:
    named = {"voc21": "int8", "aesthetics": "f32", "quality": "f32"}
    assert precisions.describe(named) == "int8 (voc21), f32 (aesthetics, quality)"
    assert precisions.describe({"voc21": "f32", "quality": "f32"}) == "f32"


def test_the_fingerprint_of_a_row_covers_each_models_precision() -> None:
    int8, f32 = (
        Arithmetic("openvino", "int8", "avx512_vnni"),
        Arithmetic("openvino", "f32", "avx512"),
    )
    first = card(fingerprint="1" * 64)
    assert first.int8 is not None
    form = first.int8.model_copy(update={"fingerprint": "2" * 64})
    first = first.model_copy(update={"int8": form})
    second = card("aesthetics", int8=False, fingerprint="3" * 64)

    def fingerprint(*each: Arithmetic) -> str:
        return scoring.row_fingerprint([first, second], each, max_side=None)

    found = {fingerprint(*pair) for pair in ((int8, f32), (f32, f32), (int8, int8))}
    assert len(found) == 3
    swapped = scoring.row_fingerprint([second, first], [f32, int8], max_side=None)
    assert swapped == fingerprint(int8, f32)
    alike = scoring.row_fingerprint([first, second], f32, max_side=None)
    assert alike == fingerprint(f32, f32)
