package experiment

import (
	"testing"

	"cometbench/images"
	"cometbench/subject"
)

// TestSame: what is installed and how it is started make a program, not how it is
// spelt. The embedded broker is always measured.
func TestSame(t *testing.T) {
	made := func(name, arguments, installed string) *Subject {
		b, err := subject.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if arguments != "" {
			if b, err = b.WithArguments(arguments); err != nil {
				t.Fatal(err)
			}
		}
		s := &Subject{Subject: b, Software: subject.Software{Installed: installed}, image: new(images.Image)}
		if b.Kind == subject.Foreign {
			s.Software.Image = installed
		}
		return s
	}
	old := made("comet-3.1.0", "", "digest")
	for _, tt := range []struct {
		name string
		old  *Subject
		new  *Subject
		want bool
	}{
		{"two spellings", old, made("comet@tree", "", "digest"), true},
		{"another program", old, made("comet@tree", "", "other"), false},
		{"other arguments", old, made("comet-3.1.0", "--verbose", "digest"), false},
		{"the same arguments", made("comet-3.1.0", "--verbose", "digest"), made("comet@x", "--verbose", "digest"),
			true},
		{"an old image without a digest", made("comet-3.1.0", "", ""), made("comet-3.1.0", "", ""), false},
		{"one image", made("image:a", "", "id"), made("image:b", "", "id"), true},
		{"two images", made("image:a", "", "id"), made("image:a", "", "di"), false},
		{"embedded", made("embedded", "", ""), made("embedded", "", ""), false},
	} {
		if got := tt.old.Same(tt.new); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
