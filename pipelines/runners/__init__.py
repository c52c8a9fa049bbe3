"""The only room that imports Beam."""

import logging


def _is_news(record: logging.LogRecord) -> bool:
    """Says whether a root logger's record is of use to a user.

    Importing Beam without apitools, which its BigQuery needs and we do not, warns.
    """
    return not record.getMessage().startswith("apitools not found")


logging.getLogger().addFilter(_is_news)
