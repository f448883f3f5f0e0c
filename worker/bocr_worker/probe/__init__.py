"""What a file is: its hash, its kind, its pages and their sizes, and in words what is wrong with it."""
