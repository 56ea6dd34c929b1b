"""The lines of Keras that make a change which a recipe writes as a key and a value."""

from collections.abc import Mapping
from typing import Any

from zoo.results.overview import MITIGATIONS, PARTS


def mitigation(key: str, value: Any) -> str:
    """The mitigation that a key of a recipe tries, as the overview calls it; "" of another."""
    name = value.get("class_name") if isinstance(value, dict) else value
    if isinstance(name, str) and name in PARTS:
        return PARTS[name]
    if key == "training.optimizer" and isinstance(value, dict):
        config = value.get("config", {})
        if {"clipnorm", "global_clipnorm", "clipvalue"} & set(config):
            return "gradient clipping"
    for each, keys in MITIGATIONS.items():
        if any(key == one or key.startswith(f"{one}.") for one in keys):
            return each
    return ""


def lines(changes: Mapping[str, Any]) -> list[str]:
    """What to write; empty where it is not one of these few lines.

    Args:
        changes: key and value, None where an arm goes back to what its recipe says.
    """
    written = [_line(key, value) for key, value in changes.items()]
    return [line for line in written if line] if all(written) else []


def _line(key: str, value: Any) -> str:
    name, config = _part(value)
    if key == "model.activation":
        if not name:
            return ""
        return f'activation="{name}"' if not config else f"activation={_call(name, config)}"
    if key in ("model.initializer", "model.recurrent_initializer", "model.bias_initializer"):
        argument = {
            "model.initializer": "kernel_initializer",
            "model.recurrent_initializer": "recurrent_initializer",
            "model.bias_initializer": "bias_initializer",
        }[key]
        name = name or "glorot_uniform"
        shown = f'"{name}"' if not config else f"keras.initializers.{_call(name, config)}"
        return f"{argument}={shown}"
    if key == "model.normalization":
        if not name:
            return "no normalization layers"
        return f"keras.layers.{_call(name, config)} between each layer and its activation"
    if key == "model.skip":
        return f"x = keras.layers.{_call(name, config)}([x, block(x)])" if name else ""
    if key == "model.cell":
        return f"keras.layers.{name}(units) instead" if name else ""
    if key == "model.depth":
        return f"{value} hidden layers" if isinstance(value, int) else ""
    if key == "training.optimizer":
        return f"optimizer=keras.optimizers.{_call(name, config)}" if name else ""
    if key == "training.loss_scaling":
        return "optimizer=keras.optimizers.LossScaleOptimizer(optimizer)" if value else ""
    if key == "training.precision":
        if value == "mixed_bfloat16" or value == "bfloat16":
            return 'keras.config.set_dtype_policy("mixed_bfloat16")'
        return 'keras.config.set_dtype_policy("float32")' if value is None else ""
    if key == "training.clipping":
        return f"zoo.mitigations: {_call(name, config)} on the gradients" if name else ""
    if key == "training.pretraining":
        return "train each layer by itself first: docs/design.md" if name or value else ""
    return ""


def _part(value: Any) -> tuple[str, Mapping[str, Any]]:
    """The name and arguments of a part, however a recipe writes it."""
    if isinstance(value, dict):
        return str(value.get("class_name", "")), value.get("config", {})
    return (value, {}) if isinstance(value, str) else ("", {})


def _call(name: str, config: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in config.items())})"
