package agent

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/internal/command"
)

// try runs a subcommand as a shell would and returns what it wrote and its
// exit code.
func try(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Commands().Run(ctx, command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, args)
	return out.String(), errs.String(), code
}

func TestPauseEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, stderr, code := try(t, ctx, "pause", "-for", "1h"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestLife: a part that nobody ends does so when its time is over, and when its
// standard input is (which is empty here).
func TestLife(t *testing.T) {
	for _, life := range [][]string{{"-for", "1ms"}, {"-stdin"}, {"-for", "1h", "-stdin"}} {
		for _, args := range [][]string{
			{"broker", "-receive", "127.0.0.1:0", "-broadcast", "127.0.0.1:0", "-eventdb", t.TempDir()},
			{"subscriber", "-remote", "127.0.0.1:1", "-eventdb", t.TempDir()},
			{"pause"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			args = append(args, life...)
			if _, stderr, code := try(t, ctx, args...); code != 0 || ctx.Err() != nil {
				t.Errorf("%s: exit code %d, %v: %s", args, code, ctx.Err(), stderr)
			}
			cancel()
		}
	}
}

func TestTar(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"author.log": "log", "db/comet.broker_test": "\x00\x01"}
	for name, content := range want {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := try(t, t.Context(), "tar", dir)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	got := make(map[string]string)
	for r := tar.NewReader(strings.NewReader(stdout)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = string(content)
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d", len(got), len(want))
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: got %q, want %q", name, got[name], content)
		}
	}
}
