package experiment

import (
	"strings"
	"testing"
)

func TestCometArgs(t *testing.T) {
	o, _, err := options(t, "-broker=embedded,comet-3.1.0,comet-1.1.0 --print-event", "-comet-args=--save-event -v")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "--save-event -v", "--print-event --save-event -v"} {
		if got := strings.Join(o.Brokers[i].Arguments, " "); got != want {
			t.Errorf("%s: got arguments %q, want %q", o.Brokers[i].Name, got, want)
		}
	}
	for _, tt := range []struct{ broker, arguments, events, want string }{
		{"embedded", "-v", "1", "-comet-args: no Comet is measured"},
		{"comet-3.1.0", "--receive", "1", `-comet-args: broker "comet-3.1.0": arguments "--receive": --receive: the`},
		{"comet-3.1.0", "--save-event", "1000000", "-events: comet-3.1.0 --save-event would save 1000000 events"},
	} {
		_, _, err := options(t, "-broker="+tt.broker, "-comet-args="+tt.arguments, "-events="+tt.events)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.arguments, err, tt.want)
		}
	}
}
