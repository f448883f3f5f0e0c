"""What bocr asks of a site's file system, processes and scheduler.

The local transport calls these functions in this process; a remote one puts this package on the login node
(`deploy.helper_files`) and runs it there, once a question. It must therefore parse as Python 3.6, import the
standard library alone, import its own modules relatively, and leave nothing running there but jobs. Every
function takes the site's root first; paths it is given are below it. Answers are plain dicts, lists, texts,
numbers and bytes. What a function refuses, it refuses with `Refused`, in words for a person.
"""
