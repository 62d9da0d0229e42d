package testbed

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"cometbench/internal/engine"
	"cometbench/matrix"
	"cometbench/subject"
)

// TestStatesOfTree: two states of one folder are two subjects, whose cells and
// whose folders in a tree of results differ.
func TestStatesOfTree(t *testing.T) {
	answers := http.NewServeMux()
	// Whatever image is asked for was built already.
	answers.HandleFunc("GET /images/", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{
			"Id": fakeID, "Config": map[string]any{"Labels": map[string]string{
				"cometbench.options": "broadcast eventdb= receive remote=",
			}},
		})
	})
	e := fakeEngine(t, answers)
	bed := &Testbed{engine: e, images: map[*engine.Engine]string{e: "ours"},
		config: Config{Status: func(string, ...any) {}}}
	dir := filepath.Join(t.TempDir(), "comet")
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
	write("setup.py", "")
	state := func(version, chosen string) matrix.Cell {
		t.Helper()
		write("comet/__init__.py", "__version__ = "+version+"\n")
		b, err := subject.Parse("comet@" + dir + chosen)
		if err != nil {
			t.Fatal(err)
		}
		s, err := bed.Image(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return matrix.Cell{Broker: s.Subject.Label, Conns: 1, Events: 1}
	}
	first, second := state("'3.1.0'", ""), state("'3.2.0'", "")
	if first == second || first.String() == second.String() || first.Dir() == second.Dir() {
		t.Errorf("got one cell %s of two states of a folder", first)
	}
	if again := state("'3.1.0'", ""); again != first {
		t.Errorf("got cell %s of a state that was %s before", again, first)
	}
	if other := state("'3.1.0'", "+python3.13"); other == first {
		t.Errorf("got one cell %s of two Pythons", first)
	}
}
