"""Why a rule fired at a payment, or did not: the sentence, the tree with every value, its measures. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.markup import Markup, join, notice, table, tag, visible
from app.transfers.tree import measure_said, node_of, read, shown, tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.texts import Texts


def hit_tree(explanation: str | Mapping[str, Any], content: str | None, texts: Texts) -> Markup:
    """Of a stored explanation, or one that was just asked for; `content`: the text of the rule's version."""
    text = explanation if isinstance(explanation, str) else json.dumps(explanation, ensure_ascii=False)
    found = read(text)
    if found is None:
        return notice(texts("tree.unreadable"), tone="bad")
    parts = [_sentence(found, texts), tree(node_of(found["when"]), texts), _on(found, texts)]
    return join([*parts, _measures(found, content, texts), _raw(text, texts)])


def _sentence(found: Mapping[str, Any], texts: Texts) -> Markup:
    said = found.get("say")
    text = said.get(texts.language) if isinstance(said, dict) else None
    return tag("div", visible(text, 400), cls="mr-say") if isinstance(text, str) else Markup("")


def _on(found: Mapping[str, Any], texts: Texts) -> Markup:
    """A rule that is not about such payments says so."""
    on = found.get("on")
    if not isinstance(on, dict) or on.get("value") is not False:
        return Markup("")
    return notice(texts("tree.other_kind"))


def _measures(found: Mapping[str, Any], content: str | None, texts: Texts) -> Markup:
    values = found.get("measures")
    if not isinstance(values, dict) or not values:
        return Markup("")
    asked = json.loads(content).get("measures", {}) if content else {}
    rows = [
        [
            tag("code", visible(name, 64)),
            measure_said(asked[name], texts) if name in asked else "–",
            shown(value, texts),
        ]
        for name, value in values.items()
    ]
    return table([texts("measure.name"), texts("measure.asks"), texts("measure.value")], rows)


def _raw(text: str, texts: Texts) -> Markup:
    """As it is stored: the same bytes for ever."""
    return tag(
        "details", tag("summary", texts("tree.raw")), tag("code", text, cls="mr-technical"), cls="mr-raw"
    )
