package images

import (
	"context"
	"testing"
	"time"

	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/subject"
)

// TestReleases builds every release of Comet that is on the Python registry.
func TestReleases(t *testing.T) {
	require.Docker(t)
	e, err := engine.Dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	me, err := owner.Self()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := e.RemoveOwned(ctx, me); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct{ version, python string }{
		{"1.0.1", "2.7"}, {"1.0.2", "2.7"}, {"1.0.3", "2.7"}, {"1.0.4", "2.7"},
		{"1.1.0", "2.7"}, {"1.1.1", "2.7"}, {"1.1.2", "2.7"},
		{"1.2.0", "2.7"}, {"1.2.1", "2.7"}, {"1.2.2", "2.7"},
		{"2.0.0", "2.7"}, {"2.0.1", "2.7"},
		{"3.0.0", "3.11"}, {"3.1.0", "3.11"},
	} {
		t.Run(tt.version, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			b, err := subject.Parse("comet-" + tt.version)
			if err != nil {
				t.Fatal(err)
			}
			bu := &Builder{Client: e.Pool.Client, Owner: me.String()}
			im, err := bu.Ensure(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			if im.Software.Comet != tt.version || im.Software.Python[:len(tt.python)] != tt.python ||
				im.Software.Twisted == "" {
				t.Errorf("labels say %+v", im.Software)
			}
			again, err := bu.Ensure(ctx, b)
			if err != nil || again.ID != im.ID {
				t.Errorf("asked for again: %+v, %v, want the same image", again, err)
			}
			t.Logf("%+v\n%q", im.Software, im.Dialect.BrokerCommand(im.Subject, "DIR", "LOG"))
		})
	}
}
