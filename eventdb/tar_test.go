package eventdb

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestOpenTar opens archives that are unlike those of the fixtures.
func TestOpenTar(t *testing.T) {
	const blocks = 1024 // of zeros, at the end
	logged := archive(t, unpack(t, "testdata/wal"))
	border := bytes.LastIndex(logged, []byte("_test-wal\x00")) // the header of the log
	if border < 0 || border%512 != 0 {
		t.Fatal("no log in the archive")
	}
	end := len(logged) - blocks
	hash := gunzip(t, "testdata/fixtures/bdbhash-200/comet.broker_test.gz")
	plain := archive(t, unpack(t, "testdata/fixtures/bdbhash-200"))
	others := tarOf(t, tar.Header{Name: "other/zeros"}, make([]byte, 4096))
	for _, c := range []struct {
		name     string
		archive  []byte
		database string
		entries  int
		want     string
	}{
		{"whole", logged, "", 99, ""},
		{"filled up to a record", slices.Concat(logged, make([]byte, 8<<10)), "", 99, ""},
		{"with another behind it", slices.Concat(logged, plain), "", 99, ""},
		{"without the end", logged[:end], "", 0, "two blocks of zeros"},
		{"with half the end", logged[:end+512], "", 0, "two blocks of zeros"},
		{"cut before the log", logged[:border], "", 0, "two blocks of zeros"},
		{"cut before the log, named", logged[:border], "_test", 0, "two blocks of zeros"},
		{"cut behind zeros that are skipped", slices.Concat(plain[:len(plain)-blocks], others[:len(others)-blocks]),
			"comet.broker_test", 0, "two blocks of zeros"},
		{"cut in the log", logged[:border+2048], "", 0, "unexpected EOF"},
		{"with a hole", sparseArchive(t, "comet.broker_test", hash, 512, 4096), "", 200, ""},
		{"in another", tarOf(t, tar.Header{Name: "a.tar"}, plain), "", 0, "archive in the archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries := 0
			db, err := OpenTar(bytes.NewReader(c.archive), c.database)
			if err == nil {
				var s Summary
				s, err = db.Summary(t.Context())
				entries = s.Entries
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			if entries != c.entries || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%d entries, %v; want %d, %q", entries, err, c.entries, c.want)
			}
		})
	}
}

// tarOf makes an archive of one file.
func tarOf(t *testing.T, h tar.Header, content []byte) []byte {
	t.Helper()
	h.Typeflag, h.Mode, h.Size, h.Format = tar.TypeReg, 0o600, int64(len(content)), tar.FormatGNU
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&h)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sparseArchive makes an archive of a file with a hole as GNU tar does: the
// header lists up to four parts of the file, which are what is in the archive.
func sparseArchive(t *testing.T, name string, content []byte, hole, end int) []byte {
	t.Helper()
	if len(bytes.TrimLeft(content[hole:end], "\x00")) > 0 {
		t.Fatalf("%s has no hole from %d to %d", name, hole, end)
	}
	b := tarOf(t, tar.Header{Name: name}, slices.Concat(content[:hole], content[end:]))
	b[156] = tar.TypeGNUSparse
	for i, n := range []int{0, hole, end, len(content) - end} {
		copy(b[386+12*i:], fmt.Sprintf("%011o\x00", n))
	}
	copy(b[483:], fmt.Sprintf("%011o\x00", len(content)))
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}
