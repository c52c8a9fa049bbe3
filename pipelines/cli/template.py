"""`fcn template`: the parameters of the Flex Template, as `metadata.json` has them."""

import json
from collections.abc import Sequence

from pipelines.deploy.config import TemplateConfig


def template(arguments: Sequence[str]) -> int:
    """`fcn template`: describes the Flex Template of Dataflow."""
    config, _ = TemplateConfig.parse(arguments)
    from pipelines import files
    from pipelines.deploy import template as description

    content = description.text()
    if config.output is None:
        print(content, end="")
        return 0
    uri = files.to_uri(config.output)
    files.write_atomically(uri, content.encode())
    print(json.dumps({"output": uri}) if config.json_output else uri)
    return 0
