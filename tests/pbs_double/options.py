"""Option parsing as glibc's getopt(3) does it: options and operands in any order, values joined or apart."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class BadOption(Exception):
    """`letter` is unknown, or lacks its value."""

    letter: str
    missing: bool = False

    def words(self, command: str) -> str:
        if self.missing:
            return f"{command}: option requires an argument -- '{self.letter}'\n"
        return f"{command}: invalid option -- '{self.letter}'\n"


@dataclass
class Parsed:
    """`flags` are the options without a value; `values` those with one, in order; `dashed`: a `--` ended
    the options."""

    flags: set[str] = field(default_factory=set)
    values: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)
    dashed: bool = False

    def last(self, letter: str) -> str | None:
        return next((value for found, value in reversed(self.values) if found == letter), None)


def parse(words: list[str], letters: str) -> Parsed:
    """`letters` in getopt's notation. Raises BadOption."""
    parsed = Parsed()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            parsed.dashed = True
            parsed.operands += words[at:]
            break
        if not word.startswith("-") or word == "-":
            parsed.operands.append(word)
        else:
            at += _letters_of(word[1:], words[at : at + 1], letters, parsed)
    return parsed


def _letters_of(word: str, following: list[str], letters: str, parsed: Parsed) -> int:
    """One word of options. Returns how many of the following words it took."""
    while word:
        letter, word = word[0], word[1:]
        at = letters.find(letter)
        if at < 0 or letter == ":":
            raise BadOption(letter)
        if letters[at + 1 : at + 2] != ":":
            parsed.flags.add(letter)
            continue
        if word:
            parsed.values.append((letter, word))
            return 0
        if not following:
            raise BadOption(letter, missing=True)
        parsed.values.append((letter, following[0]))
        return 1
    return 0
