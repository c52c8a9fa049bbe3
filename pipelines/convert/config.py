"""The settings of `fcn convert`, one model a data set."""

import re
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipelines.expected import expects
from pipelines.fields import ErrorRate, Lanes
from pipelines.settings import JobConfig, Names

_SPLIT_NAME = r"[A-Za-z0-9_]{1,40}"
_Restricted = Literal["restricted-1", "restricted-2", "restricted-3"]
_Lists = Annotated[Names, Field(description="lists to convert; train and val if unset")]
_Rim = Annotated[
    int, Field(ge=0, le=50, description="pixels of void beside SBD's boundaries")
]
_LIST = re.compile(rf"({_SPLIT_NAME}):(.+)")
_SHARE = re.compile(rf"({_SPLIT_NAME}):([01]|0?\.[0-9]{{1,9}}|1\.0{{1,9}})")


class ConvertConfig(JobConfig):
    """What all conversions share."""

    beam: ClassVar[bool] = True

    output: str = Field(description="folder for the records")
    num_shards: int | None = Field(
        default=None,
        ge=1,
        le=99_999,
        description="files a split; chosen by its size if unset",
    )
    lanes: Lanes = Field(
        default=None, description="checking processes; one a core if unset"
    )
    max_error_rate: ErrorRate = Field(
        default=0.05,
        description="finish only below this share of rejected entries",
    )
    allow_leak: bool = Field(default=False, description="let two splits share photos")

    @field_validator("split", check_fields=False)
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(_SPLIT_NAME, name):
                raise ValueError("expected names of lists such as train or val")
        return names


class ConvertVocConfig(ConvertConfig):
    """Turn Pascal VOC's photos and labels, and SBD's, into TFRecords for training."""

    command: ClassVar[str] = "fcn convert voc"

    input: str = Field(description="the folder VOCdevkit/VOC2012")
    sbd: str | None = Field(
        default=None,
        description="SBD's folder benchmark_RELEASE/dataset, to add its labels",
    )
    prefer: Literal["voc", "sbd"] = Field(
        default="voc", description="which label wins where a photo has both"
    )
    protocol: Literal["voc", "trainaug", "fcn", _Restricted, "keras-fcn"] | None = (
        Field(
            default=None,
            description="how photos are split: voc; with --sbd trainaug, fcn, "
            "restricted-1, restricted-2, restricted-3 or keras-fcn; voc, or with --sbd "
            "trainaug, if unset",
        )
    )
    void_rim: _Rim = 0
    split: _Lists = Field(default=[])


class ConvertSbdConfig(ConvertConfig):
    """Turn SBD's photos and labels into TFRecords for training."""

    command: ClassVar[str] = "fcn convert sbd"

    input: str = Field(description="the folder benchmark_RELEASE/dataset")
    void_rim: _Rim = 0
    split: _Lists = Field(default=[])


class ConvertAvaConfig(ConvertConfig):
    """Turn AVA's photos and votes into TFRecords for training."""

    command: ClassVar[str] = "fcn convert ava"

    input: str = Field(description="the file AVA.txt, with its lists beside it")
    images: str = Field(description="folder of the photos, ID.jpg")
    protocol: Literal["official", "ava1", "ava2"] | None = Field(
        default=None,
        description="official, ava1 or ava2; official if unset and its list is there",
    )
    split: Names = Field(
        default=[],
        description="train and test, or names of lists; train and test if unset",
    )
    delta: str = Field(
        default="0",
        description="ava1: train on photos with means at least this far from 5",
    )
    seed: int = Field(default=0, ge=0, description="ava2: decides the random halves")

    @field_validator("delta", mode="before")
    @classmethod
    def _is_distance(cls, value: object) -> str:
        text = str(value)
        if not re.fullmatch(r"[0-4]?(\.[0-9]{1,9})?", text) or not text:
            raise ValueError("expected a number from 0 to below 5")
        return text

    @property
    def distance(self) -> Fraction:
        """`delta` as an exact number."""
        return Fraction(self.delta)


class ConvertFolderConfig(ConvertConfig):
    """Turn your own photos with masks or ratings into TFRecords for training."""

    command: ClassVar[str] = "fcn convert folder"

    input: str = Field(description="folder of photos")
    targets: str = Field(description="folder of PNG masks, or a CSV of votes or means")
    label_map: str | None = Field(
        default=None,
        description="JSON or YAML with names for the values or colours of masks",
    )
    void_value: Literal["255", "none"] = Field(
        default="255",
        description="the value of masks that is no class; none: masks of 0 and 255 "
        "have two classes",
    )
    target_suffix: str = Field(
        default="",
        pattern=r"^[^/]{0,100}$",
        json_schema_extra=expects("at most 100 characters and no /"),
        description="what names of masks have behind their photo's, such as _mask",
    )
    exclude: Names = Field(
        default=[],
        description="patterns of what is left out: names such as '*_old.jpg', or paths "
        "below the folder such as 'album/*/small'",
    )
    split: Names = Field(
        default=[],
        description="NAME:FRACTION ..., drawn by hashes of names; train:1 if unset",
    )
    split_list: Names = Field(
        default=[],
        description="NAME:FILE ..., lists of the photos of each split, a name a line",
    )

    @field_validator("split")
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        shares = _parse_shares(names)
        if len(shares) != len(names):
            raise ValueError("expected each split once")
        if names and sum(shares.values()) != 1:
            raise ValueError("expected fractions that add up to 1")
        return names

    @field_validator("void_value", mode="before")
    @classmethod
    def _is_word(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value  # YAML's 255

    @field_validator("split_list")
    @classmethod
    def _are_lists(cls, lists: list[str], info: ValidationInfo) -> list[str]:
        found = [_LIST.fullmatch(one) for one in lists]
        if not all(found) or len({one[1] for one in found if one}) != len(lists):
            raise ValueError(
                "expected NAME:FILE such as train:lists/train.txt, each once"
            )
        if lists and info.data.get("split"):
            raise ValueError("expected no --split beside it; leave one of them out")
        return lists

    @property
    def lists(self) -> dict[str, str]:
        """The file of each split that has a list, in the order given."""
        pairs = (one.partition(":") for one in self.split_list)
        return {name: file for name, _, file in pairs}

    @property
    def shares(self) -> dict[str, Fraction]:
        """Share of each split, in the order given."""
        return _parse_shares(self.split) or {"train": Fraction(1)}


def _parse_shares(names: list[str]) -> dict[str, Fraction]:
    shares = {}
    for name in names:
        if (share := _SHARE.fullmatch(name)) is None:
            raise ValueError("expected NAME:FRACTION such as train:0.9 val:0.1")
        shares[share[1]] = Fraction(share[2])
    return shares
