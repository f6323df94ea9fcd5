"""How the annotations that `detect --complete` adds to a file are known."""

KEY = "proposed"  # of such an annotation, with the value true
ENDING = ".proposed.json"  # behind the name of the completed file: the file of them alone
