package eventdb

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fuzzSeeds adds the small fixtures of a format.
func fuzzSeeds(f *testing.F, pattern string, add func(b []byte)) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "fixtures", pattern))
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range files {
		if b := gunzip(f, path); len(b) <= 64<<10 {
			add(b)
		}
	}
}

// fuzzRead reads a database of any content. It may be an error, but must end,
// soon, and not yield more than is in it.
func fuzzRead(t *testing.T, r reader, size int) {
	t.Helper()
	start := time.Now()
	n, first := 0, []byte(nil)
	err := walk(r, func(e Entry) bool {
		if n == 0 {
			first = bytes.Clone(e.Key)
		}
		n++
		_, _ = e.Time()
		return true
	})
	if n > size {
		t.Errorf("%d entries in %d bytes", n, size)
	}
	var damage *CorruptError
	if errors.As(err, &damage) && (damage.Want == "" || damage.Got == "" || damage.File == "") {
		t.Errorf("error without a place: %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%d bytes took %v", size, took)
	}
	// Reading again gives the same.
	again := 0
	errAgain := walk(r, func(e Entry) bool {
		if again == 0 && !bytes.Equal(e.Key, first) {
			t.Errorf("first key %q, then %q", first, e.Key)
		}
		again++
		return true
	})
	if again != n || (errAgain == nil) != (err == nil) {
		t.Errorf("%d entries, %v; again: %d, %v", n, err, again, errAgain)
	}
}

func FuzzBerkeleyDB(f *testing.F) {
	fuzzSeeds(f, "bdbhash-[0123]*/*.gz", func(b []byte) { f.Add(b) })
	fuzzSeeds(f, "ndbm-[0123]*/*.gz", func(b []byte) { f.Add(b) })
	fuzzSeeds(f, "../field/*b*-*/_test*.gz", func(b []byte) { f.Add(b) })
	fuzzSeeds(f, "../field/macos*/*.gz", func(b []byte) { f.Add(b) })
	dir := f.TempDir()
	for i, l := range layouts[:4] {
		l.pageSize = 512
		path := filepath.Join(dir, string(rune('a'+i)))
		w, err := createBDB(path, l)
		if err != nil {
			f.Fatal(err)
		}
		for n := range 40 {
			key := bytes.Repeat([]byte{byte('a' + n)}, 1+n*n)
			if _, err := w.Put(key, []byte("1395443440.41")); err != nil {
				f.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := newBDBOf(b)
		if err == nil {
			fuzzRead(t, r, len(b))
		}
	})
}

func FuzzGDBM(f *testing.F) {
	fuzzSeeds(f, "gnu-[0123]*/*.gz", func(b []byte) { f.Add(b) })
	fuzzSeeds(f, "../field/fold/_test.gz", func(b []byte) { f.Add(b) })
	for _, l := range gdbmLayouts {
		f.Add(buildGDBM(l, somePairs(30)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := newGDBMOf(b)
		if err == nil {
			fuzzRead(t, r, len(b))
		}
	})
}

func FuzzDumb(f *testing.F) {
	f.Add([]byte("'k\\x00\\'', (0, 13)\n\"it's\", (512, 0)\n"), uint16(1000))
	fuzzSeeds(f, "dumb-[0123]*/*.dir.gz", func(b []byte) { f.Add(b, uint16(65535)) })
	fuzzSeeds(f, "../field/*/*.dir.gz", func(b []byte) { f.Add(b, uint16(65535)) })
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		fuzzRead(t, newDumb(memory("db.dir", b), memory("db.dat", make([]byte, size))), len(b))
	})
}

func FuzzSQLite(f *testing.F) {
	fuzzSeeds(f, "sqlite3-[0123]*/_test.gz", func(b []byte) { f.Add(b, []byte(nil)) })
	main, wal := gunzip(f, "testdata/wal/_test.gz"), gunzip(f, "testdata/wal/_test-wal.gz")
	f.Add(main, wal)
	for _, name := range []string{"sqlite-short-bit-366718", "sqlite-short-page-insert-13287"} {
		f.Add(gunzip(f, "testdata/field/"+name+"/_test.gz"), gunzip(f, "testdata/field/"+name+"/_test-wal.gz"))
	}
	f.Add(gunzip(f, "testdata/field/sqlite-keys-splice-same-3686/_test.gz"), []byte(nil))
	f.Fuzz(func(t *testing.T, b, wal []byte) {
		if len(wal) == 0 {
			wal = nil
		}
		r, err := newSQLiteOf(b, wal)
		if err == nil {
			fuzzRead(t, r, len(b)+len(wal))
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"1395443440.41", "1795443440.0018096", "2014-03-21 23:10:40.123456", "2000-01-01 0:00:00", "-1", "1e9", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := ParseTime(b)
		if want, ok := slowTime(string(b)); ok != (err == nil) || ok && !at.Equal(want) {
			t.Errorf("%q = %v, %v; want %v, %v", b, at, err, want, ok)
		}
		if err != nil {
			return
		}
		if at.Before(time.Unix(0, 0)) || at.Year() > 9999 {
			t.Errorf("%q = %v", b, at)
		}
	})
}

var decimalTime = regexp.MustCompile(`^([0-9]{1,13})(\.[0-9]{1,9})?$`)

// slowTime is ParseTime by the standard library's means.
func slowTime(s string) (_ time.Time, ok bool) {
	if m := decimalTime.FindStringSubmatch(s); m != nil {
		sec, _ := strconv.ParseInt(m[1], 10, 64)
		nsec, _ := strconv.ParseInt((strings.TrimPrefix(m[2], ".") + "000000000")[:9], 10, 64)
		return time.Unix(sec, nsec), sec <= lastSecond
	}
	if len(s) > len("2006-01-02 15:04:05.000000000") || strings.Contains(s, ",") {
		return time.Time{}, false
	}
	const layout = "2006-01-02 15:04:05"
	t, err := time.Parse(layout, s)
	// Parse takes an hour of one digit, too, which no Comet writes.
	return t, err == nil && t.Unix() >= 0 && strings.HasPrefix(s, t.Format(layout))
}
