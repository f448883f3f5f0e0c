"""Every key the panel has, read off its screens and widgets: what the keymap and the documentation go by."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widget import Widget

from bocr_tui.actions.action import Confirm
from bocr_tui.actions.registry import ACTIONS
from bocr_tui.ui import screens, widgets
from bocr_tui.ui.screens.base import PanelScreen

ANYWHERE = "app"

CONFIRMS = {Confirm.NEVER: "", Confirm.MANY: "when many", Confirm.ALWAYS: "always"}


@dataclass(frozen=True)
class KnownKey:
    """`context` is the app, a screen or a widget; `keys` as the framework names them; `command` the headless
    twin of an action, `asks` when it is asked first."""

    id: str
    context: str
    keys: tuple[str, ...]
    title: str
    tooltip: str
    command: str = ""
    asks: str = ""


def known_keys() -> list[KnownKey]:
    """All of them, those of one context together; imports every screen."""
    from bocr_tui.ui.interacting import InteractingApp

    found = [_known(ANYWHERE, each) for each in _own(InteractingApp)]
    for cls in _classes():
        found += [_known(_context(cls), each) for each in _own(cls)]
    return found


def contexts_of(screen: type[PanelScreen[Any]]) -> list[str]:
    """The contexts whose keys hold on a screen of this class, the nearest first."""
    return [_context(cls) for cls in screen.__mro__ if issubclass(cls, PanelScreen)] + [ANYWHERE]


def screen_classes() -> list[type[PanelScreen[Any]]]:
    return [cls for cls in _classes() if issubclass(cls, PanelScreen)]


def _classes() -> Iterator[type]:
    """Our screens and widgets with bindings of their own, each once, in the order of their modules."""
    seen: set[type] = set()
    for package in (screens, widgets):
        for module in _modules(package):
            for _, cls in inspect.getmembers(module, inspect.isclass):
                ours = cls.__module__ == module.__name__ and "BINDINGS" in vars(cls)
                if ours and issubclass(cls, Widget) and not issubclass(cls, ModalScreen) and cls not in seen:
                    seen.add(cls)
                    yield cls


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def _context(cls: type) -> str:
    from bocr_tui.ui.binding_ids import context_of

    return context_of(cls.__name__)


def _own(cls: type) -> list[Binding]:
    """The class's own bindings that are for people: those with a tooltip."""
    return [each for each in vars(cls).get("BINDINGS", ()) if isinstance(each, Binding) and each.tooltip]


def _known(context: str, binding: Binding) -> KnownKey:
    from bocr_tui.ui.binding_ids import binding_id

    action = next((each for each in ACTIONS if each.id == binding.id), None)
    return KnownKey(
        binding.id or binding_id(context, binding.description),
        context,
        tuple(key.strip() for key in binding.key.split(",")),
        binding.description,
        binding.tooltip,
        action.command if action else "",
        CONFIRMS[action.confirm] if action else "",
    )
