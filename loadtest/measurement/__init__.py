"""What is observed: traces, ledgers, histograms, worker reports, and whether to believe them.

Pure: no sockets, no gevent, no clock reads. Bytes and times come in as arguments.
"""
