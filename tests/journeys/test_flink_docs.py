"""Every command on the Flink page is one that is understood."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.deploy.flink import cluster
from pipelines.deploy.flink.commands import Commands, Ports
from pipelines.runners import flags, worker_pool
from pipelines.score.config import ScoreConfig

PAGE = (Path(__file__).resolve().parents[2] / "docs/flink.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Returns the words of the page's commands."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    text = "\n".join(blocks).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def named(*first: str) -> list[list[str]]:
    """Returns what follows some first words, of the commands that have them."""
    size = len(first)
    return [words[size:] for words in commands() if words[:size] == list(first)]


SCRIPT = named("python", "-m", "pipelines.deploy.flink.cluster")
SCORE = named("fcn", "score")


def test_the_commands_are_found() -> None:
    assert len(SCRIPT) == 4 and len(SCORE) == 2
    others = ("java", "python", "fcn")
    assert {words[0] for words in commands()} == set(others)
    assert len(commands()) == len(SCRIPT) + len(SCORE) + 2


@pytest.mark.parametrize("words", SCRIPT, ids=" ".join)
def test_a_command_of_the_script(words: list[str]) -> None:
    cluster.parser().parse_args(words)


@pytest.mark.parametrize("words", SCORE, ids=" ".join)
def test_a_command_that_scores(words: list[str]) -> None:
    config, left = ScoreConfig.parse(words)
    flags.check_flags(left, ours=ScoreConfig.flags())
    assert (config.engine, config.precision) == ("openvino", "f32")
    assert any(word.startswith("--runner=") for word in left)


def test_the_command_of_the_pool() -> None:
    (words,) = named("python", "-m", "pipelines.runners.worker_pool")
    assert worker_pool.parser().parse_args(words).port == 50000


def test_the_page_shows_what_the_script_prints() -> None:
    ports = Ports(job=8099, web=8081, pool=50000, rpc=1, artifacts=2, expansion=3)
    made = Commands("java", Path("jars"), Path("folder"), ports).job_flags(2)
    shown = SCORE[0]
    assert [word for word in made if word not in shown] == []
