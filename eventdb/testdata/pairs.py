# pairs.py MODULE PATH: prints the entries of a database of Python's module as an
# object of JSON, in hexadecimal.
import importlib, json, sys
module, path = sys.argv[1], sys.argv[2]
if module == "sqlite3":
    import sqlite3

    db = sqlite3.connect(path)
    pairs = db.execute("SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM Dict")
elif module == "dbm.gnu":
    db = importlib.import_module(module).open(path, "r")
    pairs, key = [], db.firstkey()
    while key is not None:
        pairs.append((key, db[key]))
        key = db.nextkey(key)
else:
    db = importlib.import_module(module).open(path, "r")
    pairs = [(key, db[key]) for key in db.keys()]
print(json.dumps({key.hex(): value.hex() for key, value in pairs}))
