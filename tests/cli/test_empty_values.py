"""An empty value, such as a variable of the shell that is not set, is a mistake everywhere."""

import sys

import click
import pytest

from zoo import cli
from zoo.cli.commands import app


def commands(group, above=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name), command


def takes_a_value(param):
    return isinstance(param, click.Argument) or not param.is_flag


CASES = [
    pytest.param(names, command, param, empty, id=f"{' '.join(names)} {param.opts[0]} {empty!r}")
    for names, command in commands(app)
    for param in command.params
    if takes_a_value(param)
    for empty in ("", " \t")
]


@pytest.fixture
def refusal(monkeypatch, capsys, tmp_path):
    """What the command says of its arguments, which is one line; nothing is written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        assert (end.value.code, captured.out, list(tmp_path.iterdir())) == (2, "", [])
        assert captured.err.count("\n") == 1 and captured.err[:-1].isprintable()
        return captured.err

    return call


@pytest.mark.parametrize(("names", "command", "param", "empty"), CASES)
def test_of_every_option_and_argument_of_every_command(names, command, param, empty, refusal):
    arguments = list(names)
    for other in command.params:  # those without which there is no command
        if other.required and other is not param:
            option = isinstance(other, click.Option)
            arguments.append(f"{other.opts[0]}=digits" if option else "digits/activation")
    if isinstance(param, click.Option):
        says = param.opts[0]
        assert refusal(*arguments, f"{says}={empty}").startswith(f"{says}: an empty value: ")
        arguments.append(says)
    else:
        says = (param.metavar or param.name.upper()).strip("[].")
    assert refusal(*arguments, empty).startswith(f"{says}: an empty value: ")


def test_every_command_is_looked_at():
    assert len(CASES) > 40 and {names[0] for names, *_ in commands(app)} >= {"run", "data"}


def test_among_others(refusal):
    run = ("run", "digits/activation")
    assert refusal(*run, "").startswith("RECIPE: an empty value: ")
    assert refusal(*run, "--set", "training.steps=28", "--set", "").startswith("--set: an empty")


@pytest.mark.parametrize("arms", [",", "relu,", ",relu", "relu,,tanh", "relu, ,tanh"])
def test_a_name_in_a_list_of_arms(arms, refusal):
    line = refusal("run", "digits/activation", "--arms", arms)
    assert line.startswith(f"--arms {arms}: an empty name: ")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("=", "expected key=value"),
        ("=3", "expected key=value"),
        ("training.clipping=", "an empty value: give one, or null for none"),
        ("training.clipping= ", "an empty value: give one, or null for none"),
    ],
)
def test_a_key_or_a_value_of_a_setting(setting, words, refusal):
    for command in ("run", "show", "leaderboard", "figures"):
        line = refusal(command, "digits/activation", "--set", setting)
        assert line.startswith(f"--set {setting.strip()}") and words in line
