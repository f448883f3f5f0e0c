"""From a page to its neighbours in the list one came from."""

from __future__ import annotations

from array import array

from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.lists import Reader
from bocr_tui.ui.reading import Lane, Reading


async def page_beyond(
    reading: Reading, listed: PageFilter, wanted: PageFilter, here: int, step: int
) -> int | None:
    """The nearest page of `wanted` after `here` (step 1) or before it (-1), in the order of the list
    `listed`; None when there is none. Raises CatalogError."""

    def ask(reader: Reader) -> tuple[array[int], array[int]]:
        every = reader.pages.ids(listed, "place")
        return every, every if wanted == listed else reader.pages.ids(wanted, "place")

    every, among = await reading.ask(Lane.IDS, ask)
    return neighbour(every, among, here, step)


def neighbour(every: array[int], among: array[int], here: int, step: int) -> int | None:
    """The id of `among` that comes next after `here` (step 1) or before it (-1) in the order of `every`.

    A page that has left the list keeps its place by its id: pages are numbered as they were imported.
    """
    if here in every:
        at, wanted = every.index(here), set(among)
        beyond = every[at + 1 :] if step > 0 else reversed(every[:at])
        return next((each for each in beyond if each in wanted), None)
    if step > 0:
        return next((each for each in among if each > here), None)
    return next((each for each in reversed(among) if each < here), None)
