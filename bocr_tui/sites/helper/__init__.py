"""What runs on the site's login node: one file, standard library, Python 3.6 and later."""
