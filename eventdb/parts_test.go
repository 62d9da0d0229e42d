package eventdb

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// readParts reads a database with so many yields, and returns what each got.
func readParts(r reader, n int) (shares []map[string]string, err error) {
	yields := make([]func(Entry) bool, n)
	for i := range yields {
		share := make(map[string]string)
		shares = append(shares, share)
		yields[i] = func(e Entry) bool { share[string(e.Key)] = string(e.Value); return true }
	}
	return shares, r.each(yields...)
}

// TestParts holds what several goroutines read of a database against what one
// does, sound and damaged.
func TestParts(t *testing.T) {
	for _, c := range []struct {
		fixture string
		open    func(b []byte) (reader, error)
	}{
		{"gnu-5000-del1700/_test.gz", newGDBMOf},
		{"ndbm-5000-del1700/_test.db.gz", newBDBOf},
		{"bdbhash-10000/comet.broker_test.gz", newBDBOf},
	} {
		t.Run(filepath.Dir(c.fixture), func(t *testing.T) {
			whole := gunzip(t, filepath.Join("testdata/fixtures", c.fixture))
			if partsOf(int64(len(whole)), 2) != 2 {
				t.Fatalf("%d bytes aren't read in parts", len(whole))
			}
			one := func(b []byte, n int) ([]map[string]string, error) {
				r, err := c.open(b)
				if err != nil {
					return nil, err
				}
				return readParts(r, n)
			}
			serial, err := one(whole, 1)
			if err != nil {
				t.Fatal(err)
			}
			for n := 2; n <= mostParts; n++ {
				shares, err := one(whole, n)
				if err != nil {
					t.Fatal(err)
				}
				all := make(map[string]string)
				sum := 0
				for i, share := range shares {
					if i < 2 && len(share) < len(serial[0])/(2*n) {
						t.Errorf("%d parts: part %d has %d entries of %d", n, i, len(share), len(serial[0]))
					}
					sum += len(share)
					maps.Copy(all, share)
				}
				if !maps.Equal(all, serial[0]) || sum != len(all) {
					t.Errorf("%d parts have %d entries, %d of them different, want %d", n, sum, len(all), len(serial[0]))
				}
			}
			random := rand.New(rand.NewPCG(5, 6))
			refused := 0
			for range 60 {
				damaged := bytes.Clone(whole)
				at := random.IntN(len(damaged))
				switch random.IntN(3) {
				case 0:
					damaged[at] ^= 1 << random.IntN(8)
				case 1:
					clear(damaged[at/512*512:][:512])
				default: // a page for another one, as where a directory or a chain is wrong
					copy(damaged[at/4096*4096:][:4096], whole[random.IntN(len(whole)/4096)*4096:])
				}
				_, serial := one(damaged, 1)
				_, parallel := one(damaged, mostParts)
				if (serial == nil) != (parallel == nil) {
					t.Errorf("damaged at %d: one goroutine says %v, several %v", at, serial, parallel)
				}
				if serial != nil {
					refused++
				}
			}
			if refused == 0 {
				t.Error("no damage was found")
			}
		})
	}
}

// A bucket that several entries of GDBM's directory name may begin in another
// part than the one that meets it.
func TestGDBMPartsBorder(t *testing.T) {
	whole := gunzip(t, "testdata/fixtures/gnu-5000-del1700/_test.gz")
	r, err := newGDBM(memory("db", whole))
	if err != nil {
		t.Fatal(err)
	}
	names := whole[r.dir:]
	entries := 1 << r.dirBits
	word := r.word()
	for name, c := range map[string]struct{ at, as int }{
		"the bucket before goes on": {entries / 2, entries/2 - 1},
		"the next one begins early": {entries/2 - 1, entries / 2},
		"the last one is the first": {entries - 1, 0},
	} {
		damaged := bytes.Clone(whole)
		copy(damaged[r.dir:][c.at*word:][:word], names[c.as*word:])
		d, err := newGDBM(memory("db", damaged))
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= mostParts; n++ {
			var damage *CorruptError
			if _, err := readParts(d, n); !errors.As(err, &damage) {
				t.Errorf("%s: %d parts find %v", name, n, err)
			}
		}
	}
}

func TestSideBySide(t *testing.T) {
	err := sideBySide(4, func(part int) error {
		if part%2 == 1 {
			return fmt.Errorf("part %d", part)
		}
		return nil
	})
	if err == nil || err.Error() != "part 1" {
		t.Errorf("%v, want that of part 1", err)
	}
}
