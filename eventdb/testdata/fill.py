# fill.py MODULE PATH N [SEED]: writes N event entries with Python's module.
import hashlib, importlib, sys
module, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
pairs = (
    (
        hashlib.sha1(b"event %d" % i).hexdigest().encode(),
        repr(1795443440.0018096 + i * 0.0019).encode(),
    )
    for i in range(n)
)
if module == "sqlite3":
    import sqlite3

    db = sqlite3.connect(path)  # as dbm.sqlite3 does
    db.execute("PRAGMA journal_mode = wal")
    db.execute(
        "CREATE TABLE IF NOT EXISTS Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)"
    )
    db.executemany("REPLACE INTO Dict (key, value) VALUES (?, ?)", pairs)
    db.commit()
    db.close()
elif module == "dbm.dumb":
    # One by one it needs 60 microseconds an entry; its files are simple.
    with open(path + ".dir", "w") as index, open(path + ".dat", "wb") as data:
        for key, value in pairs:
            data.seek((data.tell() + 511) // 512 * 512)
            index.write("%r, %r\n" % (key.decode(), (data.tell(), len(value))))
            data.write(value)
else:
    db = importlib.import_module(module).open(path, "n")
    for key, value in pairs:
        db[key] = value
    db.close()
