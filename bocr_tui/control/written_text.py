"""What a person wrote, in the form that every engine's reading has."""

from __future__ import annotations

from dataclasses import replace

from bocr_worker.protocol.recognition import Block, Recognition


def to_edit(seen: Recognition) -> tuple[str, str]:
    """What a person edits of a reading, and the ending of a file that holds it: the markdown where the page
    has structure, else the text."""
    if seen.markdown.strip() and seen.markdown.strip() != seen.text.strip():
        return seen.markdown, ".md"
    return seen.text, ".txt"


def recognition_of(text: str, before: Recognition | None) -> Recognition:
    """The person's text as a Recognition. It is markdown where what it was made from was; then the plain text
    is derived from it. Boxes stay where every line still has one: a box with another line's text would be
    worse than none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if before is None:
        return Recognition(text=text, markdown=text)
    structured = before.markdown.strip() != before.text.strip()
    plain = _plain(text) if structured else text
    return Recognition(
        text=plain,
        markdown=text,
        blocks=_blocks(plain, before, sure=not structured),
        language=before.language,
    )


def _plain(markdown: str) -> str:
    from bocr_worker.engines.vision.plain import plain_text

    return plain_text(markdown)


def _unchanged(plain: str, before: Recognition) -> bool:
    return plain.split() == before.text.split()


def _blocks(text: str, before: Recognition, *, sure: bool) -> tuple[Block, ...]:
    """The boxes with their new lines, and no confidence: no engine stands for them any more. Where it is not
    `sure` that line is line, as after markdown, half of them have to be what they were."""
    if _unchanged(text, before):
        return before.blocks
    lines = [line for line in text.split("\n") if line.strip()]
    single = all("\n" not in block.text for block in before.blocks)
    if not single or len(lines) != len(before.blocks):
        return ()
    same = sum(line.strip() == block.text.strip() for line, block in zip(lines, before.blocks, strict=True))
    if not sure and same * 2 < len(lines):
        return ()
    return tuple(
        block
        if line.strip() == block.text.strip()
        else replace(block, text=line.strip(), confidence=None, words=())
        for line, block in zip(lines, before.blocks, strict=True)
    )
