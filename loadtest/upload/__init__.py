"""Sends the files of runs where they outlive the machine: to an object store, or by HTTP PUT."""
