"""A toy channel, the visitors' chat of a web site: the files that a new channel adds, laid over a copy of the tree.

It is small and whole: signed pushes, a history, both in the models. test_seventh_channel.py makes the list in the
README true with it.
"""
