"""PBS: OpenPBS and its relatives, through the commands of the login node."""
