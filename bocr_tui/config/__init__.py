"""The workspace: its folder, its `bocr.toml`, the files the package ships, and the errors a person sees."""
