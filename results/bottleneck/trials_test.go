package bottleneck

import (
	"encoding/json"
	"os"
	"testing"

	"cometbench/results"
)

// TestTrials judges the runs of docs/bottleneck.md's first table once more, into
// which a bottleneck had been put. Of each record is kept what is judged; the round
// trip, and the time of the last delivery where the subscriber was late, are those
// that the benchmark's log told to 10 ms.
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
