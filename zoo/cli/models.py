"""The commands of pretrained models."""

import sys
from collections.abc import Sequence

import click

from zoo.cli.terminal import Careful, width
from zoo.errors import Place, ZooError, mistake, nearest

mirror_ = click.option(
    "--mirror",
    metavar="URL",
    help="https://, http://, file:// or a folder; by default ZOO_MIRROR.",
)


@click.command("models", cls=Careful)
@click.argument("pattern", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects instead of a table.")
@mirror_
def models_(pattern: str | None, as_json: bool, mirror: str | None) -> None:
    """List pretrained models, and where they are.

    PATTERN is a glob of ids. With --mirror that mirror is asked what it has.
    """
    from zoo.cli import listing as tables
    from zoo.pretrained import ids, listing

    of_mirror = None
    if mirror is not None:
        from zoo.pretrained import pulling
        from zoo.pretrained.mirrors import Mirror

        registry = Mirror(pulling.address_to_ask(mirror, "zoo models")).registry()
        of_mirror = registry.model_dump()["models"]
    known = {model.id: model for model in listing.known(of_mirror)}
    if pattern is not None:
        chosen = ids.matching(pattern, known)
        if not chosen:
            hint = nearest(pattern, known, "see: zoo models", most=3)
            raise ZooError(mistake(Place(pattern), f"no such model; {hint}"))
        known = {name: known[name] for name in chosen}
    if as_json:
        import dataclasses
        import json

        print(json.dumps([dataclasses.asdict(model) for model in known.values()], indent=1))
        return
    print(tables.models(list(known.values()), width()))


@click.command(cls=Careful)
@click.argument("ids", metavar="[ID...]", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All that the mirror has.")
@mirror_
def pull(ids: Sequence[str], all_: bool, mirror: str | None) -> None:
    """Download pretrained models, check and keep them.

    An ID is RECIPE/ARM, RECIPE/ARM@VERSION, or a glob of what the mirror has. What is here already
    is not asked for again.
    """
    from zoo.cli import listing
    from zoo.pretrained import progress, pulling
    from zoo.pretrained.ids import matching, parse

    if bool(ids) == all_:
        raise ZooError("zoo pull: give ids or globs of ids (see: zoo models), or --all")
    source = pulling.Source(mirror)
    models = []
    for text in ids or ("--all",):
        if not all_ and not any(sign in text for sign in "*?["):
            models.append(parse(text))
            continue
        its_mirror, known = source.ask(text)
        names = sorted(known.models) if all_ else matching(text, sorted(known.models))
        if not names:
            what = (
                "it has none" if all_ else nearest(text, known.models, "see: zoo models --mirror")
            )
            raise ZooError(mistake(Place(text), f"no such model in {its_mirror.shown}; {what}"))
        models += map(parse, names)
    for local in pulling.pull(models, source, progress.on(sys.stdout)):
        print(f"{local.id}  {listing.size(local.entry.size)}  {local.folder}")


COMMANDS = (models_, pull)
