# read.py MODULE PATH: reads an event database and prints how many seconds that
# took, its entries, its first and its last time.
import importlib, sys, time
module, path = sys.argv[1], sys.argv[2]
start = time.perf_counter()
if module == "sqlite3":
    import sqlite3

    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    times = [float(v) for k, v in db.execute("SELECT key, value FROM Dict")]
elif module == "dbm.gnu":
    db = importlib.import_module(module).open(path, "r")
    times, key = [], db.firstkey()
    while key is not None:
        times.append(float(db[key]))
        key = db.nextkey(key)
else:
    db = importlib.import_module(module).open(path, "r")
    times = [float(db[key]) for key in db.keys()]
print(time.perf_counter() - start, len(times), min(times), max(times))
