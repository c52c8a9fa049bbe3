"""Fields that several commands have, each with its help."""

from typing import Annotated, Literal

from pydantic import Field

from pipelines.expected import expects

Engine = Annotated[
    Literal["auto", "openvino", "tensorflow"],
    Field(description="library that runs the model"),
]
Precision = Annotated[
    Literal["auto", "f32", "bf16", "f16", "int8"],
    Field(
        description="arithmetic; bf16 needs a CPU or GPU that has it, f16 a GPU, "
        "int8 a model that has it"
    ),
]
InstructionSet = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$",
        json_schema_extra=expects(
            "a name such as avx512, of letters, digits, spaces, dots, _ and -"
        ),
        description="what computes on the workers: avx2, avx512, amx_bf16 ... or a "
        "GPU's name; this machine's if auto",
    ),
]
Views = Annotated[
    Literal["1", "3", "square"],
    Field(
        description="how aesthetics sees a photo: 1, whole; 3, the mean of squares "
        "that cover it, for three times the time; square, warped to one as published"
    ),
]
Lanes = Annotated[
    int | None,
    Field(ge=1, description="scoring processes; one a core if unset"),
]
ChunkSize = Annotated[
    int, Field(ge=1, le=100_000, description="photos that are committed together")
]
ErrorRate = Annotated[
    float, Field(ge=0, le=1, description="publish only below this share of failures")
]
