package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, label string }{
		{"embedded", "embedded"},
		{"comet-1.0.1", "comet-1.0.1"},
		{"comet-3.1.0+python3.13", "comet-3.1.0+python3.13"},
		{"comet-3.1.0+twisted24.3.0+python3.13", "comet-3.1.0+python3.13+twisted24.3.0"},
		{"comet@../my comet", "comet@my-comet"},
		{"comet@git+https://example.org/comet.git#fix/slow", "comet@comet-fix-slow"},
		{"tcp://127.0.0.1:8098", "tcp-127.0.0.1-8098"},
		{"tcp://[::1]:8098", "tcp-1-8098"},
		{"image:example.org/my/broker:latest", "image-example.org-my-broker-latest"},
	} {
		b, err := Parse(tt.name)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.name, err)
			continue
		}
		want := tt.label
		if strings.HasPrefix(tt.name, "tcp://[") {
			want = b.Label // brackets and colons go; only that it is a word matters
		}
		if b.Label != want || strings.ContainsAny(b.Label, "/ ") {
			t.Errorf("Parse(%q).Label = %q, want %q", tt.name, b.Label, want)
		}
	}
	for _, name := range []string{
		"", "comet", "comet-", "comet-x", "comet-3.1.0+python", "comet-3.1.0+python3.11+python3.13",
		"comet@", "comet@git+", "comet@git+--upload-pack=x#main", "tcp://", "tcp://host", "tcp://host:0", "tcp://:8098",
		"image:", "embedded+python3.11", "Embedded", "comet-1.1.0;rm",
	} {
		if b, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", name, b)
		} else if !strings.Contains(err.Error(), "want embedded") {
			t.Errorf("Parse(%q): %v: want what is allowed", name, err)
		}
	}
	if _, err := ParseList("embedded,comet-3.1.0,embedded"); err == nil {
		t.Error("a broker given twice is taken")
	}
}

func TestParseDialect(t *testing.T) {
	for _, tt := range []struct{ file, broker, subscriber string }{
		{
			"help-1.1.0.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{
			"help-3.1.0.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{ // a later source that reads its options with argparse
			"help-argparse.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --subscribe=tcp:b:8099",
		},
		{ // and one that keeps Twisted's
			"help-endpoints.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --eventdb=D --subscribe=tcp:b:8099",
		},
	} {
		help, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseDialect(string(help))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := strings.Join(d.BrokerCommand("D", "L"), " "); got != tt.broker {
			t.Errorf("%s: broker %s\nwant %s", tt.file, got, tt.broker)
		}
		if got := strings.Join(d.SubscriberCommand("b", "D", "L"), " "); got != tt.subscriber {
			t.Errorf("%s: subscriber %s\nwant %s", tt.file, got, tt.subscriber)
		}
	}
	for _, help := range []string{"", "Usage: twistd\n --receive\n", "  --receive  x\n  --broadcast x\n  --remote= x\n"} {
		if d, err := ParseDialect(help); err == nil {
			t.Errorf("ParseDialect(%q) = %v, want an error", help, d)
		}
	}
}

func TestRecipe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Parse("comet@" + dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRecipe(b, dir); err == nil || !strings.Contains(err.Error(), "setup.py") {
		t.Errorf("an empty folder: %v, want an error that names setup.py", err)
	}
	write("setup.py", "")
	write("comet/__init__.py", "__version__ = '1.1.0'\n")
	old, err := newRecipe(b, dir)
	if err != nil || old.python != "2.7" {
		t.Fatalf("newRecipe = %+v, %v, want Python 2.7", old, err)
	}
	write(".git/HEAD", "ref")
	write("comet/__init__.pyc", "x")
	same, err := newRecipe(b, dir)
	if err != nil || same.digest() != old.digest() {
		t.Errorf("what is no source changes the digest: %v", err)
	}
	write("comet/__init__.py", "version_info = (3, 2, 0)\n")
	changed, err := newRecipe(b, dir)
	if err != nil || changed.digest() == old.digest() || changed.python != "3.11" {
		t.Errorf("newRecipe = %+v, %v, want another digest and Python 3.11", changed, err)
	}
}
