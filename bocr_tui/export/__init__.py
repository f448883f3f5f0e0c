"""What people take away: markdown and plain text by document, JSON lines and a table by page.

`exporter.export` walks the catalog document by document and hands each page to the sinks; a sink is one
format. Nothing that belongs to an exported document is left out silently: pages that failed, were given up
on, ignored or not read yet are named in their place, and so are documents that could not be opened.
"""
