"""Where a job's files lie: a class of named places below its output."""

from pipelines import files


class Place:
    """A path below another one of the same layout.

    class Layout:
        out: str
        run = Place("out", "_runs", "run_date={0.run_date}")
        parts = Place("run", "parts")

    Args:
        below: The attribute that it lies below.
        names: Its names from there; the layout fills in what stands in braces.
    """

    def __init__(self, below: str, *names: str):
        self._below, self._names = below, names

    def __get__(self, layout: object, owner: type) -> str:
        names = (name.format(layout) for name in self._names)
        return files.join(getattr(layout, self._below), *names)
