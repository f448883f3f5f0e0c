"""A tokenizer of 256 bytes and the special tokens that a model wants: nothing to download, any text fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def byte_letters() -> list[str]:
    """A printable letter for each byte, in the order of the bytes, as byte-level BPE writes them."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def make_tokenizer(
    special: tuple[str, ...], *, eos: str, pad: str, named: Mapping[str, str] | None = None
) -> Any:
    """Special tokens get the ids from 256 on. `named` are attributes such as `image_token`."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {letter: number for number, letter in enumerate(byte_letters())}
    bare = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token=eos, pad_token=pad, extra_special_tokens=dict(named or {})
    )


CHAT_TEMPLATE = (
    "{%- for message in messages %}{{ turn }}{{ message['role'] }}\n"
    "{%- if message['content'] is string %}{{ message['content'] }}"
    "{%- else %}{%- for part in message['content'] %}"
    "{%- if part['type'] == 'image' %}IMAGE{%- else %}{{ part['text'] }}{%- endif %}"
    "{%- endfor %}{%- endif %}END\n{%- endfor %}"
    "{%- if add_generation_prompt %}TURNassistant\n{%- endif %}"
)


def chat_template(image: str, turn: str, end: str) -> str:
    """One turn a message; an image becomes `image`."""
    return (
        CHAT_TEMPLATE.replace("{{ turn }}", turn)
        .replace("IMAGE", image)
        .replace("END", end)
        .replace("TURN", turn)
    )
