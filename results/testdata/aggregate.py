"""Summarizes a tree of runs: an independent check of `cometbench aggregate`.

usage: aggregate.py DIR

Reads author's logs by their text, databases through Python's own dbm.ndbm (the
Berkeley DB behind it), and reckons with numpy where it is installed, else with
the standard library's statistics. Prints {"default": ..., "paper": ...}: by
definition, the tree's cells as "BROKER/LATENCY/CONNS" -> role -> min, max, mean,
std, and missing.
"""
import dbm.ndbm
import glob
import json
import os
import re
import statistics
import sys

try:
    import numpy
except ImportError:
    numpy = None


def summary(rates):
    if numpy is not None:
        a = numpy.array(rates)
        return {"min": a.min(), "max": a.max(), "mean": a.mean(), "std": a.std()}
    return {"min": min(rates), "max": max(rates),
            "mean": statistics.fmean(rates), "std": statistics.pstdev(rates)}


def database(path):
    with dbm.ndbm.open(path) as db:  # adds .db to the name by itself
        times = [float(db[key]) for key in db.keys()]
    return len(times), max(times) - min(times)


def main(top):
    cells = {}
    for log in sorted(glob.glob(os.path.join(top, "**", "run*", "author.log"), recursive=True)):
        run = os.path.dirname(log)
        cell = os.path.relpath(os.path.dirname(run), top)
        text = open(log).read()
        seconds = float(re.findall(r"running time: ([0-9.]+)s", text)[-1])
        queued, acked, failed = map(int, re.findall(r"(\d+)/(\d+)/(\d+) messages", text)[-1])
        sent = queued + acked + failed
        broker = database(os.path.join(run, "broker"))
        subscriber = database(os.path.join(run, "subscriber"))
        cells.setdefault(cell, []).append((sent, (acked, seconds), broker, subscriber))
    out = {"default": {}, "paper": {}}
    for cell, runs in cells.items():
        for name, counts in ("default", lambda sent, n: n), ("paper", lambda sent, n: sent):
            out[name][cell] = {
                role: summary([counts(r[0], r[i][0]) / r[i][1] for r in runs])
                for i, role in ((1, "author"), (2, "broker"), (3, "subscriber"))}
            out[name][cell]["missing"] = sum(r[0] - r[3][0] for r in runs)
    json.dump(out, sys.stdout)


main(sys.argv[1])
