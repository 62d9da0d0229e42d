package subject

import (
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  --a\t--b=c\n", []string{"--a", "--b=c"}},
		{`--filter='//Param[@name="x y"]' -v`, []string{`--filter=//Param[@name="x y"]`, "-v"}},
		{`"--filter=//Param[@name='x']"`, []string{`--filter=//Param[@name='x']`}},
		{`--cmd=a\ b '' "a\"b" '\'`, []string{"--cmd=a b", "", `a"b`, `\`}},
		{"--cmd=$HOME;x|#", []string{"--cmd=$HOME;x|#"}},
	} {
		if got, err := words(tt.line); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("words(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	for _, line := range []string{`'a`, `a"b`, `a\`} {
		if got, err := words(line); err == nil {
			t.Errorf("words(%q) = %q, want an error", line, got)
		}
	}
}

// FuzzWords: a list of words, each in single quotes, is that list.
func FuzzWords(f *testing.F) {
	f.Add("a b", `\"`)
	f.Add("", "it's")
	f.Fuzz(func(t *testing.T, a, b string) {
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
		got, err := words(quote(a) + " " + quote(b))
		if err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("got %q, %v, want %q", got, err, []string{a, b})
		}
		words(a)
	})
}

// TestArguments: two lists of arguments are two labels, each a word, and what is
// installed is the same.
func TestArguments(t *testing.T) {
	seen := make(map[string]string)
	for _, name := range []string{
		"comet-3.1.0",
		"comet-3.1.0 --save-event",
		"comet-3.1.0 --save-event --filter=//Param",
		"comet-3.1.0 --save-event --filter=//Params",
		"comet-3.1.0 --filter=//Param --save-event",
		"comet-3.1.0 --filter //Param --save-event",
		"comet-3.1.0+python3.13 --save-event",
		"comet-3.1.0 --" + strings.Repeat("long", 100),
		"comet-3.1.0 -v",
	} {
		b, err := Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		other := seen[b.Label]
		if other != "" || strings.ContainsAny(b.Label, "/ ") || len(b.Label) > 90 || b.Name != name {
			t.Errorf("%q: got %+v; %q has that label", name, b, other)
		}
		seen[b.Label] = name
		installed, _, _ := strings.Cut(name, " ")
		if b = b.Bare(); b.Label != installed || b.Arguments != nil {
			t.Errorf("%q: installed is %+v, want %s", name, b, installed)
		}
	}
	b, err := Parse("comet@../comet+python3.13 --save-event")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.WithDigest("0123").Label, "comet@comet-0123+python3.13+save-event-7576b314"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestArgumentsRefused(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"comet-3.1.0 --receive", "--receive: the benchmark gives --receive itself"},
		{"comet-3.1.0 --save-event --eventdb=/x", "--eventdb=/x: the benchmark gives --eventdb itself"},
		{"comet-3.1.0 --local-ivo ivo://x/y", "--local-ivo: the benchmark"},
		{"comet-3.1.0 --rem=x", "--rem=x: the benchmark gives --remote itself"},
		{"comet-3.1.0 -vr", "-vr: the benchmark gives -r, -b and -h itself"},
		{"comet-3.1.0 --filter='", "the quote ' isn't closed"},
		{"embedded --save-event", "only a Comet takes arguments"},
		{"image:x --save-event", "only a Comet takes arguments"},
	} {
		if b, err := Parse(tt.name); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q) = %+v, %v, want %q", tt.name, b, err, tt.want)
		}
	}
}
