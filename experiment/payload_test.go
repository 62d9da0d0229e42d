package experiment

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/matrix"
)

func TestPayloadFlags(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my events")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(ivoid string) {
		t.Helper()
		text := "<v:VOEvent xmlns:v='http://www.ivoa.net/xml/VOEvent/v2.0' version='2.0' ivorn='" + ivoid +
			"'>\n</v:VOEvent>"
		if err := os.WriteFile(filepath.Join(dir, "one"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for _, tt := range []struct{ ivoid, size, begins string }{
		{"ivo://a.b/c#d", "", "one@"}, {"ivo://a.b/c#e", "", "one@"}, {"ivo://a.b/c#e", "1kB", "one+1kB@"},
	} {
		write(tt.ivoid)
		o, _, err := options(t, "-broker=embedded", "-payload="+filepath.Join(dir, "one"), "-size="+tt.size)
		if err != nil {
			t.Fatal(err)
		}
		name := o.Matrix.Payload
		if !strings.HasPrefix(name, tt.begins) || seen[name] {
			t.Errorf("%v: got payload %s", tt, name)
		}
		seen[name] = true
		if _, ok := o.Testbed.Files["one"+author.PayloadEnding]; !ok || len(o.Payload.Files) != 1 {
			t.Errorf("got files %v", o.Testbed.Files)
		}
	}
	o, _, err := options(t, "-broker=embedded", "-size=10kB")
	if err != nil || !strings.HasPrefix(o.Matrix.Payload, "own+10kB@") || o.Payload.record.String() != "10000" {
		t.Errorf("got %+v, %v", o.Payload, err)
	}
	for _, tt := range []struct{ flag, want string }{
		{"-size=10GB", `-size: "10GB": want bytes`},
		{"-size=1", "-size: it has"},
		{"-payload=" + dir, "-payload: "},
		{"-payload=/nowhere", "-payload: stat /nowhere"},
	} {
		if _, _, err := options(t, "-broker=embedded", tt.flag); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.flag, err, tt.want)
		}
	}
}

// TestKeepOpen: connections that are kept open are another cell, and events take
// one round trip. A broker that closes them ends the run with the reason.
func TestKeepOpen(t *testing.T) {
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	cell := matrix.Cell{Broker: s.Label, Conns: 3, Events: 60}
	cell.Kept = true
	run, err := do(t.Context(), c, s, cell, "")
	if err != nil {
		t.Fatal(err)
	}
	if run.Author.Acked != 60 || run.Subscriber.Entries != 60 || run.Cell.String() != cell.String() {
		t.Errorf("got %+v", run)
	}
	addr := closing(t)
	remote := prepared(t, c, "tcp://"+addr)
	_, err = do(t.Context(), c, remote, cell, "")
	if want := "-keep-open: the broker closes the connection after its ack"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// closing starts a broker that closes connections after its answer.
func closing(t *testing.T) (addr string) {
	t.Helper()
	b, err := embedded.Listen(embedded.Config{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b.ReceiveAddr().String()
}
