"""Looking at documents where they lie: which files a folder holds, and what each of them is."""
