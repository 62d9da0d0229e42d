package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/internal/command"
)

// fill makes an event database with the values given.
func fill(t *testing.T, values ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "_test")
	w, err := eventdb.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if _, err := w.Put([]byte{'a' + byte(i)}, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDump(t *testing.T) {
	for _, test := range []struct {
		args   []string
		values []string
		want   string
	}{
		{nil, []string{"1395443440.41", "1795443440.0018096"}, "a 1395443440.41\nb 1795443440.0018096\n"},
		{[]string{"-json"}, []string{"0"}, `{"key":"a","value":"0"}`},
		{[]string{"-summary"}, nil, "entries: 0\nfirst: none\nlast: none\nseconds: 0.0\n"},
		{[]string{"-summary"}, []string{"1795443441.0018096", "1795443440.0018098"}, "seconds: 0.9999998\n"},
		{[]string{"-summary"}, []string{"0", "253402300799"}, "first: 0.0\nlast: 253402300799.0\nseconds: 253402300799.0\n"},
		{[]string{"-summary", "-json"}, []string{"0.75", "253402300799.5"}, `"seconds":253402300798.75,`},
	} {
		args := append([]string{"dump"}, test.args...)
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			stdout, stderr, code := try(t, t.Context(), append(args, fill(t, test.values...))...)
			if code != 0 {
				t.Errorf("exit code %d", code)
			}
			check(t, "stdout", stdout, test.want)
			check(t, "stderr", stderr, "")
		})
	}
}

// TestDumpInterrupted interrupts the reading of an archive of which nothing
// more comes, as where stdin is a terminal.
func TestDumpInterrupted(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	in, terminal := io.Pipe()
	defer in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	var out, errs bytes.Buffer
	go func() {
		ended <- commands().Run(ctx, command.Streams{In: in, Out: &out, Err: &errs}, []string{"dump", "-"})
	}()
	for range 2 { // the second is read when dump has the first
		if _, err := terminal.Write([]byte("comet")); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	select {
	case code := <-ended:
		if code != 1 || !strings.Contains(errs.String(), context.Canceled.Error()) {
			t.Errorf("exit code %d, %s", code, &errs)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("dump goes on")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
