"""`docs/connect/`: the guides as documents.

python -m warehouse.guides.documents
"""

from __future__ import annotations

from warehouse.channels import ROOT, registry
from warehouse.guides import Guide, guide

PLACE = ROOT / "docs" / "connect"
HEAD = (
    "<!-- Written by `python -m warehouse.guides.documents` from warehouse/guides/{channel}.toml: the page says the "
    "same. -->\n"
)


def document(told: Guide) -> str:
    """One guide as Markdown."""
    known = registry()[told.channel]
    lines = [
        HEAD.format(channel=told.channel),
        f"# Connect {known.name}\n",
        f"{told.what}\n",
        f"**Rights.** {told.rights}\n",
        "## 1. Before\n",
        *(f"{number}. {each}" for number, each in enumerate(told.before, 1)),
        "",
        "## 2. Paste\n",
        f"On the page *Connections*, *Add {known.name}*. Each field says at once what is wrong with what was pasted.\n",
        "| Field | Where it is found | Needed | Secret |",
        "|---|---|---|---|",
        *(
            f"| {each.label} (`{each.key}`) | {each.where} | {'yes' if each.is_required else ''} |"
            f" {'yes' if each.is_secret else ''} |"
            for each in told.fields
            if not each.is_elsewhere
        ),
        "",
        "## 3. Check\n",
        f"*Check* asks {known.provider.title()} with these keys, before anything is saved: whose account it is, what "
        "is registered there now, and whose address would be replaced.\n",
        "## 4. Save and register\n",
        f"{told.registers}\n",
        f"{told.by_hand}\n",
        *([f"{told.history}\n"] if told.history else []),
        "## 5. The first message\n",
        "The page waits for it, and says so when it comes. Where none comes within two minutes:\n",
        *(f"- {each}" for each in told.silence),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    for channel in registry():
        (PLACE / f"{channel}.md").write_text(document(guide(channel)))


if __name__ == "__main__":
    main()
