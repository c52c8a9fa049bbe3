"""Records as Arrow record batches, without their photos: tfx-bsl reads them.

A projected schema is what keeps photos out: columns that it does not name are skipped
in the serialised examples, never copied. tfx-bsl is an extra (`fcn[stats]`): it brings
TensorFlow and many pins, so nothing else imports it.
"""

import glob
import importlib.util
from collections.abc import Collection, Iterator
from typing import Any, Final

import pyarrow as pa

from fcn_core.records.record import ImageRecord, keys
from pipelines.faults import UsageError

PHOTO: Final = keys(ImageRecord)["encoded"]
"""The heavy column."""

_BATCH_RECORDS: Final = 32
"""Whole records wait in the reader before they are cut down: not too many at once."""


class UnreadableError(Exception):
    """A shard that is no file of readable examples."""


def check_installed() -> None:
    """Raises UsageError where tfx-bsl is missing."""
    if importlib.util.find_spec("tfx_bsl") is None:
        raise UsageError(
            "fcn stats: got no tfx-bsl, expected it to read records as Arrow batches; "
            "pip install 'fcn[stats]'"
        )


def parse_schema(text: str, *, leave_out: Collection[str] = (PHOTO,)) -> Any:
    """Returns a tensorflow-metadata `Schema` without some of its features.

    Raises:
        UnreadableError: The text is not one.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        schema = text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise UnreadableError(f"schema.pbtxt: {error}") from error
    kept = [feature for feature in schema.feature if feature.name not in leave_out]
    return schema_pb2.Schema(feature=kept)


def read(path: str, schema: Any) -> Iterator[pa.RecordBatch]:
    """Yields the records of a shard, in order: a large list a feature, null if absent.

    Args:
        path: The TFRecord file.
        schema: From `parse_schema`; only its features are read.

    Raises:
        UnreadableError: The file is damaged, or a feature is of another type.
    """
    from tfx_bsl.public.tfxio import RecordBatchesOptions, TFExampleRecord

    size = _BATCH_RECORDS
    options = RecordBatchesOptions(batch_size=size, num_epochs=1, shuffle=False)
    source = TFExampleRecord(glob.escape(path), schema=schema)  # a pattern there
    try:
        yield from source.RecordBatches(options)
    except Exception as error:
        # Its C++ readers raise many kinds; a bad file is a finding, not a crash.
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableError(detail) from error
