"""A text that a command makes: printed, or written to where `--output` says."""

import json


def give_out(text: str, output: str | None, *, as_json: bool) -> int:
    """Prints a text, or writes it and prints where; returns the exit code.

    Args:
        text: What the command makes.
        output: File to write, here or in a store; None: standard output.
        as_json: Say as JSON where it was written.
    """
    from pipelines import files

    if output is None:
        print(text, end="")
        return 0
    uri = files.to_uri(output)
    files.write_atomically(uri, text.encode())
    print(json.dumps({"output": uri}) if as_json else uri)
    return 0
