package matrix

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestDeployment: every deployment has a name and a folder of its own, which are
// read back, and the usual one has none.
func TestDeployment(t *testing.T) {
	seen := make(map[string]bool)
	for _, tt := range []struct {
		d            Deployment
		name, series string
	}{
		{Deployment{}, "broker=b/latency=10ms/conns=8", "b"},
		{Deployment{Further: 15}, "broker=b/latency=10ms/conns=8/subscribers=16", "b/subscribers=16"},
		{Deployment{Kept: true}, "broker=b/latency=10ms/conns=8/connection=kept", "b/connection=kept"},
		{Deployment{Payload: "gaia@1a2b3c4d"}, "broker=b/latency=10ms/conns=8/payload=gaia@1a2b3c4d",
			"b/payload=gaia@1a2b3c4d"},
		{Deployment{1, "x-1@12345678", true},
			"broker=b/latency=10ms/conns=8/subscribers=2/payload=x-1@12345678/connection=kept",
			"b/subscribers=2/payload=x-1@12345678/connection=kept"},
	} {
		c := Cell{Broker: "b", Latency: 10 * time.Millisecond, Conns: 8, Deployment: tt.d}
		if c.String() != tt.name || c.Series() != tt.series || seen[c.Dir()] || strings.Count(c.Dir(), "/") != 2 {
			t.Errorf("%+v: got %s, %s, %s", tt.d, c, c.Series(), c.Dir())
		}
		seen[c.Dir()] = true
		open := c
		open.Rate, open.Poisson = 50, true
		if got, err := ParseName(open.String()); err != nil || got != open || open.Dir() == c.Dir() {
			t.Errorf("ParseName(%s) = %+v, %v, in %s", open, got, err, open.Dir())
		}
		for _, procs := range []string{"", "-2"} {
			if got, err := ParseName("BenchmarkThroughput/" + c.String() + procs); err != nil || got != c {
				t.Errorf("ParseName(%s%s) = %+v, %v", c, procs, got, err)
			}
		}
		if got := ParseSeries(tt.series); got.Broker != "b" || got.Deployment != tt.d {
			t.Errorf("ParseSeries(%s) = %+v", tt.series, got)
		}
		text, err := json.Marshal(c)
		var back Cell
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || back != c || tt.d == (Deployment{}) && strings.Count(string(text), ":") != 4 {
			t.Errorf("%+v: got %s, %v", c, text, err)
		}
	}
	for _, text := range []string{"/subscribers=1", "/subscribers=x", "/payload=", "/connection=x", "/more=1", "/",
		"/connection=kept/subscribers=2", "/subscribers=2/subscribers=2"} {
		if got, err := ParseName("broker=b/latency=0ms/conns=1" + text); err == nil {
			t.Errorf("%s: got %+v", text, got)
		}
	}
	if got := ParseSeries("a/b"); got.Broker != "a/b" {
		t.Errorf("got %+v", got)
	}
}

// TestKeptTheory: a connection that stays takes one round trip less per event.
func TestKeptTheory(t *testing.T) {
	c := Cell{Latency: 100 * time.Millisecond, Conns: 4, Events: 100}
	if got := c.Expected(); got != 5*time.Second {
		t.Errorf("got %v", got)
	}
	c.Kept = true
	if got, rate := c.Expected(), c.TheoreticalRate(c.Latency, 0); got != 5*time.Second/2 || rate != 40 {
		t.Errorf("got %v, %v", got, rate)
	}
}

func TestParseSubscribers(t *testing.T) {
	if got, err := ParseSubscribers("1, 16,256"); err != nil || len(got) != 3 || got[2] != 256 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range []string{"", "0", "16,16", "x", "4097"} {
		if got, err := ParseSubscribers(s); err == nil {
			t.Errorf("%q: got %v", s, got)
		}
	}
}
