"""`fcn template`: the parameters of the Flex Template, as `metadata.json` has them."""

from collections.abc import Sequence

from pipelines.cli.text import give_out
from pipelines.deploy.config import TemplateConfig


def template(arguments: Sequence[str]) -> int:
    """`fcn template`: describes the Flex Template of Dataflow."""
    config, _ = TemplateConfig.parse(arguments)
    from pipelines.deploy import template as description

    return give_out(description.text(), config.output, as_json=config.json_output)
