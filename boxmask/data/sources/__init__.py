"""What the readers of formats that are not COCO share: rows with their origin, names, parsers.

A source is a file or a folder of files; each of its rows comes from one line or one element. That
origin, file, line or element, and the original text, is in the output under the key "source".
"""
