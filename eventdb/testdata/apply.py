# apply.py MODULE PATH: applies the changes on standard input to a database of
# Python's module (2 and 3): lines "set KEY VALUE" and "del KEY", in hexadecimal.
import binascii, sys
module, path = sys.argv[1], sys.argv[2]
changes = (line.rstrip("\n").split(" ") for line in sys.stdin)
if module == "sqlite3":
    import sqlite3

    db = sqlite3.connect(path, isolation_level=None)  # as dbm.sqlite3 does
    db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = off")
    db.execute(
        "CREATE TABLE IF NOT EXISTS Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)"
    )
    for c in changes:
        key = binascii.unhexlify(c[1])
        if c[0] == "set":
            db.execute(
                "REPLACE INTO Dict (key, value) VALUES (CAST(? AS BLOB), CAST(? AS BLOB))",
                (key, binascii.unhexlify(c[2])),
            )
        else:
            db.execute("DELETE FROM Dict WHERE key = CAST(? AS BLOB)", (key,))
else:
    db = __import__(module, fromlist=["open"]).open(path, "n")
    for c in changes:
        key = binascii.unhexlify(c[1])
        if c[0] == "set":
            db[key] = binascii.unhexlify(c[2])
        else:
            del db[key]
db.close()
