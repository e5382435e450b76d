"""Operations that talk while they work, in real worker processes."""

from __future__ import annotations

import time
from typing import Any

from converters.dialogue import Dialogue

Data = dict[str, Any]


def converse(_arguments: Data, dialogue: Dialogue) -> Data:
    """Say back what is heard until told to stop."""
    dialogue.say({"ready": True})
    heard = 0
    while True:
        dialogue("Listening")
        told = dialogue.heard(0.5)
        if told is None:
            continue
        if told.get("stop"):
            return {"heard": heard}
        heard += 1
        dialogue.say({"back": told})


def hear(arguments: Data, dialogue: Dialogue) -> Data:
    """Hear once; say how long that took."""
    dialogue.say({"ready": True})
    begun = time.monotonic()
    told = dialogue.heard(arguments["seconds"])
    return {"told": told, "seconds": time.monotonic() - begun}


def say_much(arguments: Data, dialogue: Dialogue) -> Data:
    """Say many things, then end."""
    for place in range(arguments["count"]):
        dialogue.say({"place": place})
    return {}


def say_no_plain_data(_arguments: Data, dialogue: Dialogue) -> Data:
    """Say something that cannot be sent: a bug."""
    dialogue.say({"thing": object()})
    return {}


TABLE = {
    name: f"tests.engine.dialogue_operations:{name}" for name in ("converse", "hear", "say_much", "say_no_plain_data")
}
