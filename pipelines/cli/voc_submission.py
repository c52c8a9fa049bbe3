"""The command `fcn voc_submission`."""

import json
from collections.abc import Sequence

from pipelines.submission.config import VocSubmissionConfig


def voc_submission(arguments: Sequence[str]) -> int:
    """`fcn voc_submission`: masks of a night -> files for Pascal VOC's test server."""
    config, _ = VocSubmissionConfig.parse(arguments)
    from pipelines.submission import write

    written = write.write(
        config.masks,
        config.output,
        competition=config.competition,
        ids=config.ids,
        run_date=config.run_date,
        tar=config.tar,
    )
    if config.json_output:
        print(json.dumps(written.described(), indent=1))
    else:
        print("\n".join(written.lines()))
    return 0
