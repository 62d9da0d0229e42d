package bottleneck

import (
	"encoding/json"
	"os"
	"testing"

	"cometbench/results"
)

// TestTrials judges the runs of docs/bottleneck.md's second trial once more, into
// which a bottleneck had been put. Of each record is kept what is judged, as far as
// it was logged: the round trip is reckoned from the verdict of then, the time of
// the last delivery is known to 10 ms, and of the full listen queue it is only known
// that its slowest event took a quarter of the time or more.
func TestTrials(t *testing.T) {
	text, err := os.ReadFile("testdata/trials.json")
	if err != nil {
		t.Fatal(err)
	}
	var trials []struct {
		Injected string             `json:"injected"`
		Want     results.Bottleneck `json:"want"`
		Run      results.Run        `json:"run"`
	}
	if err := json.Unmarshal(text, &trials); err != nil {
		t.Fatal(err)
	}
	if len(trials) < 10 {
		t.Errorf("got %d trials, want ten and more", len(trials))
	}
	for _, trial := range trials {
		got := Of(&trial.Run)
		t.Logf("%-42s %s", trial.Injected, got)
		if got.Kind() != trial.Want {
			t.Errorf("%s: got %q, want %q", trial.Injected, got, trial.Want)
		}
	}
}
