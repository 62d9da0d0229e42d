package eventdb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var mutants = flag.Int("mutants", 150, "how many mutants of a file TestMutants makes of each kind")

// mutations are the kinds of change of a file, given another of the same format.
var mutations = []struct {
	name   string
	mutate func(random *rand.Rand, b, other []byte) []byte
}{
	{"bit", func(random *rand.Rand, b, _ []byte) []byte {
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		return b
	}},
	{"word", func(random *rand.Rand, b, _ []byte) []byte {
		word := []byte{byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}
		if random.IntN(2) == 0 {
			clear(word[random.IntN(4):])
		}
		copy(b[random.IntN(len(b))&^3:], word)
		return b
	}},
	{"page of zeros", func(random *rand.Rand, b, _ []byte) []byte {
		from, to := pageOf(random, b)
		clear(b[from:to])
		return b
	}},
	{"page emptied", func(random *rand.Rand, b, _ []byte) []byte { // as Berkeley DB and SQLite do
		from, to := pageOf(random, b)
		if page := b[from:to]; len(page) == mutantPage {
			copy(page[20:24], []byte{0, 0, 0, mutantPage >> 8})
			clear(page[26:])
		}
		return b
	}},
	{"page of its own", func(random *rand.Rand, b, _ []byte) []byte {
		from, to := pageOf(random, b)
		source, _ := pageOf(random, b)
		copy(b[from:to], bytes.Clone(b[source:]))
		return b
	}},
	{"page of another file", func(random *rand.Rand, b, other []byte) []byte {
		from, to := pageOf(random, b)
		source := from
		if random.IntN(2) == 0 || source >= len(other) {
			source, _ = pageOf(random, other)
		}
		copy(b[from:to], other[source:])
		return b
	}},
	{"cut", func(random *rand.Rand, b, _ []byte) []byte {
		if random.IntN(2) == 0 {
			from, _ := pageOf(random, b)
			return b[:from]
		}
		return b[:random.IntN(len(b))]
	}},
	{"page doubled", func(random *rand.Rand, b, _ []byte) []byte {
		from, to := pageOf(random, b)
		return append(append(bytes.Clone(b[:to]), b[from:to]...), b[to:]...)
	}},
	{"foreign bytes", func(random *rand.Rand, b, other []byte) []byte {
		at, n := random.IntN(len(b)), min(mutantPage, len(other))
		return append(append(bytes.Clone(b[:at]), other[:n]...), b[at:]...)
	}},
}

const mutantPage = 4096

// pageOf returns where a page of a file begins and ends.
func pageOf(random *rand.Rand, b []byte) (from, to int) {
	from = random.IntN((len(b)+mutantPage-1)/mutantPage) * mutantPage
	return from, min(from+mutantPage, len(b))
}

// TestMutants reads files that Python wrote, changed in each way. A mutant is
// refused; or it holds what the file did; or an independent reader finds in it
// what was read here, and the change is one that the format can't show.
func TestMutants(t *testing.T) {
	const fixtures = "testdata/fixtures/"
	for _, c := range []struct {
		name        string
		file, other string
		rest        string // the file of the database that isn't changed
		open        func(b, rest []byte) (reader, error)
		save        []string            // as what the changed file and the rest are saved
		module      string              // Python's, or dbhash for db_dump
		unshown     map[string][]string // the kinds whose difference can't be seen
	}{
		{
			"bsddb", fixtures + "bdbhash-200/comet.broker_test.gz", fixtures + "comet-2.0.0/broker.comet.broker_test.gz", "",
			func(b, _ []byte) (reader, error) { return newBDBOf(b) }, []string{"_test"}, "dbhash",
			map[string][]string{
				"values": {"bit", "word"},
				"keys":   {"bit", "word", "page of another file"}, // of the same bucket, and in order
				"number": {"page of another file"},                // nothing counts the entries
			},
		}, {
			"ndbm", fixtures + "ndbm-200/_test.db.gz", fixtures + "comet-3.0.0/broker._test.db.gz", "",
			func(b, _ []byte) (reader, error) { return newBDBOf(b) }, []string{"_test.db"}, "dbhash",
			map[string][]string{
				"values": {"bit", "word"},
				"keys":   {"bit", "word", "page of another file"}, // of the same bucket, as many as there were
			},
		}, {
			"gdbm", fixtures + "gnu-200/_test.gz", fixtures + "gnu-5000-del1700/_test.gz", "",
			func(b, _ []byte) (reader, error) { return newGDBMOf(b) }, []string{"_test"}, "dbm.gnu",
			map[string][]string{"values": {"bit", "word"}},
		}, {
			"dumb", fixtures + "dumb-200/_test.dir.gz", fixtures + "dumb-5000-del1700/_test.dir.gz",
			fixtures + "dumb-200/_test.dat.gz",
			func(b, rest []byte) (reader, error) {
				return newDumb(memory("_test.dir", b), memory("_test.dat", rest)), nil
			}, []string{"_test.dir", "_test.dat"}, "dbm.dumb",
			map[string][]string{
				"values": {"bit", "word"},
				"keys":   {"bit", "word"},
				"number": {"cut"}, // at the end of a line
			},
		}, {
			"sqlite", fixtures + "sqlite3-200/_test.gz", fixtures + "sqlite3-5000-del1700/_test.gz", "",
			func(b, _ []byte) (reader, error) { return newSQLiteOf(b, nil) }, []string{"_test"}, "sqlite3",
			map[string][]string{"values": {"bit", "word"}},
		}, {
			"log", "testdata/wal/_test-wal.gz", "testdata/field/sqlite-short-page-insert-13287/_test-wal.gz",
			"testdata/wal/_test.gz",
			func(b, rest []byte) (reader, error) { return newSQLiteOf(rest, b) },
			[]string{"_test-wal", "_test"}, "sqlite3",
			map[string][]string{"number": {"cut"}}, // behind a commit
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole, other := gunzip(t, c.file), gunzip(t, c.other)
			var rest []byte
			if c.rest != "" {
				rest = gunzip(t, c.rest)
			}
			read := func(b []byte) (map[string]string, error) {
				r, err := c.open(b, rest)
				if err != nil {
					return nil, err
				}
				entries := make(map[string]string)
				return entries, walk(r, func(e Entry) bool {
					entries[string(e.Key)] = string(e.Value)
					return true
				})
			}
			was, err := read(whole)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			asked := make(map[string]map[string]string) // by folder
			for k, m := range mutations {
				random := rand.New(rand.NewPCG(14, uint64(k)))
				refused, equal := 0, 0
				shownNot := make(map[string]int)
				for n := range *mutants {
					mutant := m.mutate(random, bytes.Clone(whole), other)
					is, err := read(mutant)
					switch {
					case err != nil:
						refused++
						continue
					case maps.Equal(was, is):
						equal++
						continue
					}
					why := difference(was, is)
					shownNot[why]++
					if !slices.Contains(c.unshown[why], m.name) {
						t.Errorf("%s, mutant %d: got %d entries that aren't the %d there were", m.name, n, len(is), len(was))
						continue
					}
					if shownNot[why] <= 20 {
						folder := filepath.Join(dir, fmt.Sprintf("%d-%d", k, n))
						if err := os.Mkdir(folder, 0o700); err != nil {
							t.Fatal(err)
						}
						for i, content := range [][]byte{mutant, rest}[:len(c.save)] {
							if err := os.WriteFile(filepath.Join(folder, c.save[i]), content, 0o600); err != nil {
								t.Fatal(err)
							}
						}
						asked[folder] = is
					}
				}
				t.Logf("%s: %d refused, %d the same, not shown: %v", m.name, refused, equal, shownNot)
			}
			for folder, is := range asked {
				if got := independent(t, c.module, folder); !maps.Equal(got, is) {
					t.Errorf("%s: got %d entries, an independent reader %d", filepath.Base(folder), len(is), len(got))
				}
			}
		})
	}
}

// difference says how the entries that were read differ from those there were.
func difference(was, is map[string]string) string {
	if len(was) != len(is) {
		return "number"
	}
	for key := range was {
		if _, ok := is[key]; !ok {
			return "keys"
		}
	}
	return "values"
}

// independent returns what another reader finds in the database in a folder.
func independent(t *testing.T, module, folder string) map[string]string {
	t.Helper()
	if module == "dbhash" {
		return dumped(t, filepath.Join(folder, list(t, folder)[0]))
	}
	var pairs map[string]string
	out := runPython(t, python(t, module), "pairs.py", "", module, filepath.Join(folder, "_test"))
	if err := json.Unmarshal([]byte(out), &pairs); err != nil {
		t.Fatal(err)
	}
	entries := make(map[string]string)
	for k, v := range pairs {
		key, errK := hex.DecodeString(k)
		value, errV := hex.DecodeString(v)
		if errK != nil || errV != nil {
			t.Fatal(errK, errV)
		}
		entries[string(key)] = string(value)
	}
	return entries
}
