"""Python-safe names for modules and fx nodes that stay recognisable as the ONNX names."""

from __future__ import annotations

import re

from torch import nn

_WEIGHT_SUFFIXES = (".weight", "/weight", ".W", ".kernel", "/kernel", "/weights", "_weight")


def identifier(name: str) -> str:
    """Return `name` with everything that Python does not allow in an identifier replaced by underscores."""
    clean = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return f"_{clean}" if not clean or clean[0].isdigit() else clean


def module_path(node_name: str, weight_name: str) -> str:
    """Return the dotted path of a module: its weight's name without `.weight`, otherwise its node's name.

    `styles.0.conv1.weight` gives `styles.0.conv1`, so that the module's state keeps the ONNX names;
    a generated weight name such as `onnx::Conv_833` says nothing and the node's name is used.
    """
    for suffix in _WEIGHT_SUFFIXES:
        if weight_name.endswith(suffix) and "::" not in weight_name and len(weight_name) > len(suffix):
            return _clean_path(weight_name.removesuffix(suffix))
    return _clean_path(node_name.strip("/").replace(".", "_")) if node_name else "module"


def _clean_path(path: str) -> str:
    parts = [re.sub(r"[^A-Za-z0-9_]+", "_", part) for part in path.split(".")]
    return ".".join(part or "_" for part in parts)


class ModuleTree:
    """Places modules and tensors below a root module, at paths that do not collide."""

    def __init__(self, root: nn.Module) -> None:
        self.root = root
        self._containers: dict[str, nn.Module] = {"": root}

    def add_module(self, path: str, module: nn.Module) -> str:
        """Add `module` at or near `path`; return the path it got."""
        parent_path, parent, leaf = self._place(path)
        parent.add_module(leaf, module)
        return f"{parent_path}.{leaf}" if parent_path else leaf

    def add_tensor(self, path: str, tensor: nn.Parameter | object) -> str:
        """Add a parameter or a (persistent) buffer at or near `path`; return the path it got."""
        parent_path, parent, leaf = self._place(path)
        if isinstance(tensor, nn.Parameter):
            parent.register_parameter(leaf, tensor)
        else:
            parent.register_buffer(leaf, tensor)  # type: ignore[arg-type]
        return f"{parent_path}.{leaf}" if parent_path else leaf

    def _place(self, path: str) -> tuple[str, nn.Module, str]:
        *parents, leaf = _clean_path(path).split(".")
        place = ""
        for part in parents:
            container = self._containers[place]
            below = f"{place}.{part}" if place else part
            if below not in self._containers:
                if hasattr(container, part):  # a layer, or a method of nn.Module: nothing may be put below it
                    flat = "_".join((*parents, leaf))
                    return "", self.root, _free_name(self.root, flat)
                child = nn.Module()
                container.add_module(part, child)
                self._containers[below] = child
            place = below
        return place, self._containers[place], _free_name(self._containers[place], leaf)


def _free_name(parent: nn.Module, wanted: str) -> str:
    name, number = wanted, 0
    while hasattr(parent, name):
        number += 1
        name = f"{wanted}_{number}"
    return name
