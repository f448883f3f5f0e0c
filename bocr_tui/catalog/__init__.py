"""The catalog: every document, page, batch, job and attempt, in one SQLite file.

`words` names the states, `tables` the rows, `database` opens and migrates, `transitions` is the one place
where a state changes, `ingest` the one place where a journal becomes rows, `lists` what a screen draws.
Nothing is imported here, so that a list can be drawn before SQLModel is loaded.
"""
