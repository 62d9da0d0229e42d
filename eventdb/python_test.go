package eventdb

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cometbench/internal/require"
)

// changes makes n random changes of a database, as apply.py takes them, of which
// at most deletions delete, and what it holds then. Some keys and values are so
// long that they don't fit on a page, and some are any bytes.
func changes(random *rand.Rand, n, deletions int) (program string, want map[string]string) {
	var b strings.Builder
	want = make(map[string]string)
	var keys []string
	for range n {
		switch {
		case len(keys) > 0 && deletions > 0 && random.IntN(4) == 0:
			deletions--
			i := random.IntN(len(keys))
			fmt.Fprintf(&b, "del %x\n", keys[i])
			delete(want, keys[i])
			keys = slices.Delete(keys, i, i+1)
			continue
		case len(keys) > 0 && random.IntN(20) == 0: // a value anew
			key := keys[random.IntN(len(keys))]
			want[key] = strings.Repeat("v", random.IntN(700))
			fmt.Fprintf(&b, "set %x %x\n", key, want[key])
			continue
		}
		key := fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())
		value := fmt.Sprintf("1795443440.%07d", random.IntN(10_000_000))
		switch random.IntN(200) {
		case 0:
			key += strings.Repeat("k", random.IntN(20_000))
		case 1:
			value += strings.Repeat("v", random.IntN(100_000))
		case 2:
			raw := make([]byte, 1+random.IntN(60))
			for i := range raw {
				raw[i] = byte(random.Uint32())
			}
			key, value = string(raw), ""
		}
		if _, ok := want[key]; !ok {
			keys = append(keys, key)
		}
		want[key] = value
		fmt.Fprintf(&b, "set %x %x\n", key, value)
	}
	return b.String(), want
}

// compare reads a database and compares it entry for entry.
func compare(t *testing.T, path string, want map[string]string) {
	t.Helper()
	got := readAll(t, path)
	if maps.Equal(got, want) {
		return
	}
	t.Errorf("%d entries, want %d", len(got), len(want))
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Fatalf("for example key %s: %s (%v), want %s", quote([]byte(k)), quote([]byte(g)), ok, quote([]byte(v)))
		}
	}
}

// TestPythonWrites compares what Python's modules were told to write with what
// is read.
func TestPythonWrites(t *testing.T) {
	for _, m := range pythonModules {
		for seed, n := range []int{0, 1, 3, 50, 2_000, 20_000, 250_000} {
			if n > 20_000 && (testing.Short() || m.name == "dumb") {
				continue
			}
			t.Run(fmt.Sprintf("%s/changes=%d", m.name, n), func(t *testing.T) {
				python := python(t, m.module)
				deletions := n
				if m.name == "dumb" {
					deletions = 50 // each writes the index anew
				}
				if m.name == "sqlite" && n > 20_000 {
					n = 60_000 // each is a transaction
				}
				program, want := changes(rand.New(rand.NewPCG(7, uint64(seed))), n, deletions)
				path := filepath.Join(t.TempDir(), "_test")
				runPython(t, python, "apply.py", program, m.module, path)
				compare(t, path, want)
				compare(t, filepath.Dir(path), want)
			})
		}
	}
}

// TestPython2Writes does so with Python 2.7's bsddb, which Comets up to 2 used,
// in a container.
func TestPython2Writes(t *testing.T) {
	require.Docker(t)
	image := strings.TrimSpace(run(t, "", "docker", "images", "-q", "--filter", "reference=cometbench/base:python2.7"))
	if image == "" {
		require.Missing(t, "docker", "no image cometbench/base:python2.7 (images/base/build makes it)")
	}
	apply, err := os.ReadFile(filepath.Join("testdata", "apply.py"))
	if err != nil {
		t.Fatal(err)
	}
	for seed, n := range []int{0, 3, 2_000, 250_000} {
		if n > 20_000 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprintf("changes=%d", n), func(t *testing.T) {
			program, want := changes(rand.New(rand.NewPCG(8, uint64(seed))), n, n)
			db := run(t, program, "docker", "run", "--rm", "-i", "--network=none", "--cap-drop=ALL",
				"--tmpfs=/tmp", "--entrypoint=python2.7", image,
				"-c", string(apply)+"\nsys.stdout.write(open(path, 'rb').read())\n", "dbhash", "/tmp/_test")
			path := filepath.Join(t.TempDir(), "comet.broker_test")
			if err := os.WriteFile(path, []byte(db), 0o600); err != nil {
				t.Fatal(err)
			}
			compare(t, path, want)
		})
	}
}

// TestPythonReads has Python read what [Writer] wrote.
func TestPythonReads(t *testing.T) {
	python := python(t, "dbm.ndbm")
	for _, n := range []int{1, 1000, 50_000} {
		path := filepath.Join(t.TempDir(), "comet.broker_test")
		writeEvents(t, path+".db", n)
		out := strings.Fields(runPython(t, python, "read.py", "", "dbm.ndbm", path))
		if len(out) != 4 || out[1] != fmt.Sprint(n) {
			t.Errorf("Python reads %v, want %d entries", out, n)
		}
	}
}

// TestLoad reads hash files that Berkeley DB's own db_load made, with page sizes,
// byte orders and options that Python leaves alone, and has its db_verify check
// ours.
func TestLoad(t *testing.T) {
	load := require.Command(t, "db_load", "db5.3_load", "db_load")
	verify := require.Command(t, "db_load", "db5.3_verify", "db_verify")
	random := rand.New(rand.NewPCG(9, 9))
	for _, options := range []string{
		"", "db_pagesize=512", "db_pagesize=512 db_lorder=4321", "db_pagesize=65536", "db_pagesize=65536 db_lorder=4321",
		"db_lorder=4321", "chksum=1", "chksum=1 db_lorder=4321 db_pagesize=1024",
		"h_ffactor=10 h_nelem=100000", "h_ffactor=3 db_pagesize=2048",
	} {
		for _, n := range []int{0, 1, 300, 20_000} {
			t.Run(fmt.Sprintf("%s/n=%d", options, n), func(t *testing.T) {
				want := somePairs(n)
				if n == 300 {
					for range 30 {
						want[strings.Repeat("k", 1+random.IntN(10_000))] = strings.Repeat("v", random.IntN(200_000))
					}
				}
				var text strings.Builder
				for k, v := range want {
					fmt.Fprintf(&text, "%s\n%s\n", k, v)
				}
				args := []string{"-T", "-t", "hash"}
				for _, o := range strings.Fields(options) {
					args = append(args, "-c", o)
				}
				path := filepath.Join(t.TempDir(), "db")
				run(t, text.String(), load, append(args, path)...)
				compare(t, path, want)
			})
		}
	}
	for _, l := range layouts {
		if l.version == 10 {
			continue // which Berkeley DB 5.3 doesn't know
		}
		path := filepath.Join(t.TempDir(), "db")
		w, err := createBDB(path, l)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5000 {
			key := fmt.Sprintf("%0*d", 1+random.IntN(60)+i%2000/1990*20_000, i)
			if i%3 == 0 {
				key = strings.Repeat("k", i/10) // begins as others do
			}
			if _, err := w.Put([]byte(key), []byte("1395443440.41")); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		run(t, "", verify, path)
		if l.big == nativeBig() {
			compare(t, path, dumped(t, path))
		}
	}
}

// dumped is what db_dump finds in a database.
func dumped(t *testing.T, path string) map[string]string {
	t.Helper()
	out := run(t, "", require.Command(t, "db_load", "db5.3_dump", "db_dump"), path)
	_, lines, _ := strings.Cut(out, "HEADER=END\n")
	lines, _, _ = strings.Cut(lines, "DATA=END")
	pairs := make(map[string]string)
	fields := strings.Split(lines, "\n") // each begins with a space
	for i := 0; i+1 < len(fields); i += 2 {
		k, errK := hex.DecodeString(strings.TrimSpace(fields[i]))
		v, errV := hex.DecodeString(strings.TrimSpace(fields[i+1]))
		if errK != nil || errV != nil {
			t.Fatal(errK, errV)
		}
		pairs[string(k)] = string(v)
	}
	return pairs
}

// run runs a command with what it reads from standard input, and returns what it
// prints.
func run(t testing.TB, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &errs)
	}
	return string(out)
}
