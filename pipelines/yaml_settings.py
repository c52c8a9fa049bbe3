"""Settings from a YAML file: what `--config` names."""

import yaml
from pydantic_settings import BaseSettings, YamlConfigSettingsSource

from pipelines.faults import UsageError


def yaml_source(
    settings: type[BaseSettings], file: str | None
) -> YamlConfigSettingsSource:
    """Returns the settings of a YAML file, or of none.

    Args:
        settings: The class that they are of.
        file: The file.

    Raises:
        UsageError: It is no YAML, or has no names and values.
    """
    try:
        return YamlConfigSettingsSource(settings, yaml_file=file)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"--config: got {reason}, expected YAML; mend the file"
        ) from error
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"--config: got no names and values in {file}, expected lines such as "
            "chunk_size: 256; mend the file"
        ) from error
