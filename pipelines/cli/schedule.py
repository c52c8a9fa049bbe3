"""`fcn schedule`: files with which a scheduler runs `fcn nightly`."""

import json
from collections.abc import Iterator, Sequence

from pipelines.schedules.config import ScheduleConfig


def schedule(arguments: Sequence[str]) -> int:
    """`fcn schedule`: writes the files of a scheduler, and how to install them."""
    config, _ = ScheduleConfig.parse(list(_long(arguments)))
    from pipelines.schedules import write

    written = write.write(config)
    print(json.dumps({"files": written}) if config.json_output else "\n".join(written))
    return 0


def _long(arguments: Sequence[str]) -> Iterator[str]:
    """Yields the words with `-o DIR` as `--output DIR`."""
    for word in arguments:
        if word.startswith("-o") and not word.startswith("--"):
            yield "--output"
            if word != "-o":
                yield word.removeprefix("-o").removeprefix("=")
        else:
            yield word
