"""What the screens are put together from; no widget knows the catalog."""
