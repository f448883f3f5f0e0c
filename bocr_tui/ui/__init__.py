"""The panel: screens that read the catalog's lists and write through actions only."""
