"""Opens a plan's models in a lane, after checking that they are the planned ones."""

from typing import TYPE_CHECKING

from fcn_core.bundles.card import ModelError
from pipelines.lanes.messages import Header

if TYPE_CHECKING:
    from fcn_core import scoring
    from fcn_core.scoring.arithmetic import Arithmetic
    from fcn_core.scoring.device import DeviceNetwork
    from fcn_core.scoring.stages import PhotoStages


def fetched(name: str) -> str:
    """Returns the name of a model whose files are on this machine.

    Args:
        name: A built-in name, a bundle's folder, or its URI in another store.

    Raises:
        ModelError: There is nothing under the URI.
    """
    from fcn_core import scoring
    from pipelines import files

    if name in scoring.built_in_names() or "://" not in name:
        return name
    try:
        return str(files.fetch_folder(name))
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model {name!r}, expected a folder that fcn export wrote; "
            "check the address"
        ) from error


def with_fetched(config: Header) -> Header:
    """Returns a lane's settings with its models' files on this machine.

    The lanes themselves have no credentials.
    """
    if "models" not in config:
        return config
    models = [{**model, "name": fetched(model["name"])} for model in config["models"]]
    return {**config, "models": models}


def open_models(config: Header) -> "scoring.PhotoScorer":
    """Opens the models of a plan.

    Args:
        config: `models` (name and fingerprint each), `engine`, `precision` and
            `instruction_set` (see `precisions.join`), `max_side`, `masks` (bool), and
            `tile` where photos are tiled, `views` where they are seen in some, all as
            the plan froze them.

    Raises:
        ModelError: A model or the arithmetic is not the planned one.
    """
    from fcn_core import scoring

    planned = planned_arithmetics(config)
    scorers = [
        scoring.load_scorer(
            model["name"], each.engine, each.precision, tile=config.get("tile")
        )
        for model, each in zip(config["models"], planned, strict=True)
    ]
    for model, scorer, each in zip(config["models"], scorers, planned, strict=True):
        here = scorer.arithmetic
        fingerprint = scorer.card.fingerprint_in(here.precision)
        _check(f"model {model['name']}", fingerprint, model["fingerprint"])
        _check("this CPU's instruction set", here.instruction_set, each.instruction_set)
    return scoring.PhotoScorer(
        scorers,
        max_side=config["max_side"],
        masks=config["masks"],
        views=config.get("views", "1"),
    )


def open_networks(config: Header) -> "list[DeviceNetwork]":
    """Opens the models of a plan for a device; the arguments are as for `open_models`.

    Raises:
        ModelError: A model or the arithmetic is not the planned one.
    """
    from fcn_core.scoring.arithmetic import resolve_arithmetic
    from fcn_core.scoring.device import open_network

    planned = planned_arithmetics(config)
    networks = []
    for model, each in zip(config["models"], planned, strict=True):
        here = resolve_arithmetic(each.engine, each.precision)
        _check("this device", here.instruction_set, each.instruction_set)
        network = open_network(model["name"], here)
        networks.append(network)
        fingerprint = network.card.fingerprint_in(here.precision)
        _check(f"model {model['name']}", fingerprint, model["fingerprint"])
    return networks


def planned_arithmetics(config: Header) -> "tuple[Arithmetic, ...]":
    """Returns what computes each model of a plan."""
    from fcn_core.scoring import precisions

    words = (config[word] for word in ("engine", "precision", "instruction_set"))
    return precisions.split(*words, count=len(config["models"]))


def open_stages(config: Header) -> "PhotoStages":
    """Returns what is done around a device; the arguments are as for `open_models`.

    Raises:
        ModelError: A model is not the planned one.
    """
    from fcn_core.bundles.card import ModelCard
    from fcn_core.bundles.find import find_bundle
    from fcn_core.scoring.stages import PhotoStages

    cards = [ModelCard.read(find_bundle(m["name"])) for m in config["models"]]
    planned = planned_arithmetics(config)
    for model, card, each in zip(config["models"], cards, planned, strict=True):
        fingerprint = card.fingerprint_in(each.precision)
        _check(f"model {model['name']}", fingerprint, model["fingerprint"])
    return PhotoStages(
        cards,
        arithmetics=planned,
        max_side=config["max_side"],
        masks=config["masks"],
        tile=config.get("tile"),
        views=config.get("views", "1"),
    )


def _check(what: str, got: str, expected: str) -> None:
    if got != expected:
        raise ModelError(
            f"{what} is {got[:16]}, expected {expected[:16]} as in the plan; one night "
            "has one arithmetic: finish it where it began, or discard it and name what "
            "the workers have (--instruction_set)"
        )
