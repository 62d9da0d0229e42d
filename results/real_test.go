package results

import (
	"testing"

	"cometbench/matrix"
)

// What the original author and two releases of Comet left: the numbers are
// those that Python's bsddb read. The tree is the original's form, in a
// broker's folder.
func TestReal(t *testing.T) {
	type times struct{ author, broker, subscriber float64 }
	want := map[string]times{
		"comet-1.1.0": {0.691067, 1795443767.13 - float64(1795443766.45), 1795443767.13 - float64(1795443766.46)},
		"comet-3.1.0": {0.511344, 1795443821.3305862 - float64(1795443820.8349683),
			1795443821.3342729 - float64(1795443820.8392668)},
	}
	set, err := Load(t.Context(), "testdata/real", Options{Paper: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Cells) != len(want) || len(set.Warnings) > 0 {
		t.Fatalf("%d cells, warnings %q", len(set.Cells), set.Warnings)
	}
	for _, m := range set.Cells {
		w, ok := want[m.Cell.Broker]
		if !ok || m.Cell != (matrix.Cell{Broker: m.Cell.Broker, Conns: 4, Events: 200}) || m.Missing != 0 {
			t.Errorf("%+v, %d missing", m.Cell, m.Missing)
		}
		if got := m.Runs[0].Rates; got != [3]float64{200 / w.author, 200 / w.broker, 200 / w.subscriber} {
			t.Errorf("%s: rates %v, want those of %+v", m.Cell, got, w)
		}
	}
	// The folder of one broker is a tree of the original experiment.
	one, err := Load(t.Context(), "testdata/real/comet-1.1.0", Options{Broker: "old"})
	if err != nil || len(one.Cells) != 1 || one.Cells[0].Cell.Broker != "old" ||
		one.Cells[0].Runs[0].Name != "0ms/4c/run1" {
		t.Errorf("%+v, %v", one, err)
	}
}
