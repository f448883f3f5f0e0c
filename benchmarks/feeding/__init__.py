"""What bench_feed.py is made of: papers, the bare work, our client, the rivals' clients."""
